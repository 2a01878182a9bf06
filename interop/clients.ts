// The one list of clients: the columns of the table, and the program that drives each.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheDirectory, jarsOfPom, projectDirectory } from '../scripts/kafka-jars.ts';

export interface InteropClient {
  readonly name: string;
  /** The program and its first arguments; bootstrap, run id and scenarios are added. Made ready when called. */
  readonly command: () => string[];
}

const driver = (path: string) => join(projectDirectory, 'interop/clients', path);
const pom = (path: string) => join(projectDirectory, 'interop/kafka', path);

export const clients: readonly InteropClient[] = [
  { name: 'kcat', command: () => [process.execPath, driver('kcat/driver.ts')] },
  {
    name: 'confluent-kafka',
    command: () => [join(cacheDirectory, 'python/bin/python'), '-u', driver('python/driver.py')],
  },
  { name: 'java-4.4', command: () => java('java/InteropDriver.java', pom('4.4')) },
  { name: 'java-3.9', command: () => java('java/InteropDriver.java', pom('3.9')) },
  { name: 'java-0.10.0', command: () => java('java-old/OldDriver.java', pom('0.10.0')) },
  { name: 'java-0.9.0', command: () => java('java-old/OldDriver.java', pom('0.9.0')) },
  { name: 'tools-4.3', command: () => java('tools/ToolsDriver.java', pom('4.3')) },
  { name: 'tools-3.9', command: () => java('tools/ToolsDriver.java', pom('3.9')) },
  { name: 'kafkajs', command: () => [process.execPath, driver('kafkajs/driver.ts')] },
  { name: 'platformatic', command: () => [process.execPath, driver('platformatic/driver.ts')] },
];

/** Compiles a driver against the jars of a pom, once per content of both, and answers how to run it. */
export function java(source: string, pomDirectory: string): string[] {
  const jars = jarsOfPom(pomDirectory);
  const folder = join(projectDirectory, 'interop/clients', source, '..');
  const sources = readdirSync(folder).filter((name) => name.endsWith('.java'));
  const digest = createHash('sha256').update(basename(jars));
  for (const name of sources) digest.update(readFileSync(join(folder, name)));
  const classes = join(cacheDirectory, 'classes', digest.digest('hex').slice(0, 16));
  const main = basename(source, '.java');
  if (!existsSync(join(classes, `${main}.class`))) {
    mkdirSync(classes, { recursive: true });
    const files = sources.map((name) => join(folder, name));
    const run = spawnSync('javac', ['-nowarn', '-d', classes, '-cp', `${jars}/*`, ...files], {
      encoding: 'utf8',
    });
    if (run.status !== 0) throw new Error(`javac ${source}: ${run.error?.message ?? run.stderr}`);
  }
  return [
    'java',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Xmx256m',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    `-Dlog4j.configuration=file:${join(projectDirectory, 'interop/clients/log4j.properties')}`,
    '-cp',
    `${classes}:${jars}/*`,
    main,
  ];
}
