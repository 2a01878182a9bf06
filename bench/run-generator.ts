import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { kafkaClassPath } from '../scripts/kafka-jars.ts';
import { cpuSecondsOf, rssBytesOf } from './load/broker-process.ts';
import type { LoadResult, LoadSpec, Percentiles } from './load/load-spec.ts';

/** Runs our own generator in a process, pinned to `core` unless that is undefined. */
export async function runOwnLoad(spec: LoadSpec, core: number | undefined): Promise<LoadResult> {
  const script = join(import.meta.dirname, 'load/run-load.ts');
  const output = await run([process.execPath, script, JSON.stringify(spec)], core);
  return JSON.parse(output) as LoadResult;
}

export interface JavaLoad {
  readonly bootstrap: string;
  readonly topic: string;
  readonly records: number;
  readonly recordBytes: number;
  readonly brokerPid: number;
  /** Settings of the producer, by Kafka's names. */
  readonly producer: Readonly<Record<string, string>>;
}

const JAVA = ['-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];

/** Kafka's own producer-perf-test. Its rate counts from its first record to its last. */
export async function runJavaProducer(load: JavaLoad, core: number | undefined): Promise<LoadResult> {
  const settings = Object.entries({ 'bootstrap.servers': load.bootstrap, ...load.producer });
  const { output, brokerCpuSeconds } = await runJava(load.brokerPid, core, [
    'org.apache.kafka.tools.ProducerPerformance',
    ...['--topic', load.topic],
    ...['--num-records', String(load.records)],
    ...['--record-size', String(load.recordBytes)],
    ...['--throughput', '-1'],
    '--producer-props',
    ...settings.map(([name, value]) => `${name}=${value}`),
  ]);
  const summary =
    /(\d+) records sent, ([\d.]+) records\/sec.*? (\d+) ms 50th.*? (\d+) ms 99th, (\d+) ms 99\.9th/.exec(
      output.slice(output.lastIndexOf('records sent') - 20),
    );
  if (summary === null) throw new Error(`the producer test printed no summary:\n${output.slice(-2000)}`);
  const [, records, rate, p50, p99, p999] = summary.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const acknowledged: Percentiles = { p50, p99, p999 };
  return {
    ...resultOf(load, records, records / rate, brokerCpuSeconds),
    latency: { acknowledged, endToEnd: acknowledged },
  };
}

/** Kafka's own consumer-perf-test, reading `records` from the beginning. Its rate counts from its first fetch. */
export async function runJavaConsumer(
  load: Omit<JavaLoad, 'producer'>,
  core: number | undefined,
): Promise<LoadResult> {
  const { output, brokerCpuSeconds } = await runJava(load.brokerPid, core, [
    'org.apache.kafka.tools.ConsumerPerformance',
    ...['--bootstrap-server', load.bootstrap],
    ...['--topic', load.topic],
    ...['--messages', String(load.records)],
    '--hide-header',
  ]);
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  const fields = output
    .trim()
    .split('\n')
    .at(-1)!
    .split(',')
    .map((field) => field.trim());
  const [records, fetchMs] = [Number(fields[4]), Number(fields[7])];
  if (!(records > 0) || !(fetchMs > 0)) {
    throw new Error(`the consumer test printed no summary:\n${output.slice(-2000)}`);
  }
  return resultOf(load, records, fetchMs / 1000, brokerCpuSeconds);
}

function resultOf(
  load: Omit<JavaLoad, 'producer'>,
  records: number,
  seconds: number,
  brokerCpuSeconds: number,
): LoadResult {
  return {
    seconds,
    records,
    bytes: records * load.recordBytes,
    requests: 0,
    brokerCpuSeconds,
    generatorCpuSeconds: 0,
    brokerRssBytes: rssBytesOf(load.brokerPid),
  };
}

async function runJava(
  brokerPid: number,
  core: number | undefined,
  args: readonly string[],
): Promise<{ output: string; brokerCpuSeconds: number }> {
  const before = cpuSecondsOf(brokerPid);
  const output = await run(['java', ...JAVA, '-cp', kafkaClassPath('4.4'), ...args], core);
  return { output, brokerCpuSeconds: cpuSecondsOf(brokerPid) - before };
}

/** @returns what it printed; throws with it when it fails */
async function run(command: readonly string[], core: number | undefined): Promise<string> {
  const pinned = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  const [program = '', ...args] = pinned;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  const text = Buffer.concat(output).toString();
  if (code !== 0) {
    throw new Error(
      `${args[0]} ended with ${code}:\n${text.slice(-1000)}${Buffer.concat(errors).toString().slice(-2000)}`,
    );
  }
  return text;
}
