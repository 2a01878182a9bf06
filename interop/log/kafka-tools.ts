import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { jarsOfPom, kafkaClassPath, projectDirectory } from '../../scripts/kafka-jars.ts';
import type { Line } from './logs-of-ours.ts';

/** Versions of Apache Kafka's tools; of 4.4 none were published. */
export type ToolsVersion = '3.9' | '4.3';

/** Runs a class of Apache Kafka's own tools and returns what it printed. @throws Error when it fails */
export function kafkaTool(
  version: ToolsVersion,
  name: string,
  args: readonly string[],
  input?: string,
): string {
  const classPath =
    version === '3.9'
      ? kafkaClassPath('3.9')
      : `${jarsOfPom(join(projectDirectory, 'interop/kafka', version))}/*`;
  const run = spawnSync('java', ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', classPath, name, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    timeout: 120_000,
    ...(input === undefined ? {} : { input }),
  });
  if (run.status !== 0) {
    const words = run.stderr.slice(-2000) + run.stdout.slice(-1000);
    throw new Error(`${name} ended with ${run.status}: ${words}`);
  }
  return run.stdout + run.stderr;
}

/** All that `kafka-dump-log` finds wrong with files, in its own words. */
export function dumpComplaints(
  version: ToolsVersion,
  files: readonly string[],
  options: readonly string[],
): string[] {
  const printed = dump(version, files, options);
  return printed
    .split('\n')
    .filter((line) =>
      /isvalid: false|mismatch|non-consecutive|exception|error|larger than|doesn't match/i.test(line),
    );
}

/** The class of the tool in each version. */
const DUMP_LOG: Readonly<Record<ToolsVersion, string>> = {
  '3.9': 'kafka.tools.DumpLogSegments',
  '4.3': 'org.apache.kafka.tools.DumpLogSegments',
};

/** What `kafka-dump-log` prints of files. */
export function dump(version: ToolsVersion, files: readonly string[], options: readonly string[]): string {
  return kafkaTool(version, DUMP_LOG[version], [...options, '--files', files.join(',')]);
}

/** What the Java consumer reads of one partition from the beginning. */
export function consume(
  bootstrap: string,
  topic: string,
  count: number,
  isolation = 'read_uncommitted',
): Line[] {
  const printed = kafkaTool('3.9', 'org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...['--bootstrap-server', bootstrap, '--topic', topic, '--partition', '0', '--offset', 'earliest'],
    ...['--max-messages', String(count), '--timeout-ms', '20000', '--isolation-level', isolation],
    ...['--property', 'print.offset=true'],
  ]);
  return printed.split('\n').flatMap((line) => {
    const match = /^Offset:(\d+)\t(.*)$/.exec(line);
    return match === null ? [] : [{ offset: Number(match[1]), value: match[2]! }];
  });
}
