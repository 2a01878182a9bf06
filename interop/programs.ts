// Programs of others, and of ours in other languages: made ready, and run.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cacheDirectory, jarsOfPom, projectDirectory } from '../scripts/kafka-jars.ts';

/**
 * Compiles the folder of `source` against the jars that `interop/kafka/<kafka>/pom.xml` names, once per content
 * of both.
 *
 * @returns the command that runs the class of that name; arguments are added
 * @throws Error with the compiler's words
 */
export function javaProgram(source: string, kafka: string): string[] {
  const jars = jarsOfPom(join(projectDirectory, 'interop/kafka', kafka));
  const folder = dirname(source);
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

/** The command that runs a Python program with the packages of clients/python/requirements.txt. */
export function pythonProgram(source: string): string[] {
  return [join(cacheDirectory, 'python/bin/python'), '-u', source];
}

/**
 * Runs a program to its end.
 *
 * @returns what it wrote to its standard output
 * @throws Error with the end of its standard error when its exit code is not 0, or when it takes longer
 */
export async function outputOf([program = '', ...args]: string[], timeoutMs = 300_000): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code === 0) return output;
  throw new Error(`${program} ended with ${code ?? signal}: ${errors.slice(-2000)}`);
}
