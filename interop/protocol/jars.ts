import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** 3.9 knows every version from 0, 4.4 the newest ones; together they define the protocol. */
export const KAFKA_VERSIONS = ['3.9.2', '4.4.0'] as const;
export type KafkaVersion = (typeof KAFKA_VERSIONS)[number];

const POM = fileURLToPath(new URL('java/pom.xml', import.meta.url));
const SOURCE = fileURLToPath(new URL('java/MessageExchange.java', import.meta.url));
const TARGET = fileURLToPath(new URL('target', import.meta.url));

/** The jars of Apache Kafka that hold message definitions and classes; Maven brings them once. */
export function kafkaJars(version: KafkaVersion): string[] {
  const folder = join(TARGET, `jars-${version}`);
  if (!existsSync(folder)) bringJars(version, folder);
  return readdirSync(folder).map((name) => join(folder, name));
}

function bringJars(version: KafkaVersion, folder: string): void {
  const incomplete = `${folder}.incomplete`;
  rmSync(incomplete, { recursive: true, force: true });
  const options = [
    '-DexcludeTransitive=true',
    `-DoutputDirectory=${incomplete}`,
    `-Dkafka.version=${version}`,
  ];
  const profile = version.startsWith('4.') ? ['-Pkafka-4'] : [];
  execFileSync('mvn', ['-q', '-B', '-f', POM, ...profile, 'dependency:copy-dependencies', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  renameSync(incomplete, folder);
}

/** Compiles the Java side against the jars and returns the class path to run it with. */
export function exchangeClassPath(version: KafkaVersion): string {
  const jars = kafkaJars(version);
  const classes = join(TARGET, `classes-${version}`);
  mkdirSync(classes, { recursive: true });
  execFileSync('javac', ['-d', classes, '-cp', jars.join(delimiter), SOURCE], { stdio: 'inherit' });
  return [classes, ...jars].join(delimiter);
}
