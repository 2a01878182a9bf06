// Brings the jars that a pom names into .cache/jars, once per content of the pom, and answers the
// class path. Maven decides where the jars come from; nothing here knows an address.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectDirectory = dirname(dirname(fileURLToPath(import.meta.url)));
export const cacheDirectory = join(projectDirectory, '.cache');

export type KafkaVersion = '3.9' | '4.4';

/** The version that `text` names; throws with the allowed names otherwise. */
export function parseKafkaVersion(text: string | undefined): KafkaVersion {
  if (text === '3.9' || text === '4.4') return text;
  throw new Error(`Kafka version ${JSON.stringify(text)} is not known: give 3.9 or 4.4`);
}

/** The class path of Apache Kafka's broker, tools and Java client of that version. */
export function kafkaClassPath(version: KafkaVersion): string {
  return `${jarsOfPom(join(projectDirectory, 'interop/kafka', version))}/*`;
}

/**
 * The directory that holds every runtime dependency of `pomDirectory`/pom.xml. Copies them at the
 * first call (seconds), and whenever the pom has changed; throws with Maven's words when that fails.
 */
export function jarsOfPom(pomDirectory: string): string {
  const pom = readFileSync(join(pomDirectory, 'pom.xml'));
  const digest = createHash('sha256').update(pom).digest('hex').slice(0, 12);
  const jars = join(cacheDirectory, 'jars', `${basename(pomDirectory)}-${digest}`);
  if (existsSync(join(jars, 'complete'))) return jars;
  const partial = `${jars}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const run = spawnSync(
    'mvn',
    [
      '-q',
      '-B',
      '-f',
      join(pomDirectory, 'pom.xml'),
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
      `-DoutputDirectory=${partial}`,
      '-DincludeScope=runtime',
    ],
    { encoding: 'utf8', timeout: 300_000 },
  );
  if (run.status !== 0) {
    const words = run.error?.message ?? run.stdout.slice(0, 2000) + run.stderr.slice(0, 1000);
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`mvn could not bring the jars of ${pomDirectory}: ${words}`);
  }
  writeFileSync(join(partial, 'complete'), '');
  // Two runs at once: the first to finish wins, both hold the same jars.
  if (existsSync(join(jars, 'complete'))) rmSync(partial, { recursive: true, force: true });
  else {
    rmSync(jars, { recursive: true, force: true });
    renameSync(partial, jars);
  }
  return jars;
}
