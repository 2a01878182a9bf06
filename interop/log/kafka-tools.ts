import { spawnSync } from 'node:child_process';
import { kafkaClassPath } from '../../scripts/kafka-jars.ts';
import type { KafkaVersion } from '../../scripts/kafka-jars.ts';
import type { Line } from './logs-of-ours.ts';

/** Runs a class of Apache Kafka's own tools and returns what it printed. @throws Error when it fails */
export function kafkaTool(
  version: KafkaVersion,
  name: string,
  args: readonly string[],
  input?: string,
): string {
  const run = spawnSync(
    'java',
    ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', kafkaClassPath(version), name, ...args],
    { encoding: 'utf8', maxBuffer: 1 << 30, timeout: 120_000, ...(input === undefined ? {} : { input }) },
  );
  const words = run.stdout + run.stderr;
  if (run.status !== 0) throw new Error(`${name} ${args.join(' ')}: ${run.status}\n${words.slice(-3000)}`);
  return words;
}

/** All that `kafka-dump-log` finds wrong with files, in its own words. */
export function dumpComplaints(
  version: KafkaVersion,
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

/** What `kafka-dump-log` prints of files. */
export function dump(version: KafkaVersion, files: readonly string[], options: readonly string[]): string {
  return kafkaTool(version, 'kafka.tools.DumpLogSegments', [...options, '--files', files.join(',')]);
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
