import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory, kafkaClassPath } from '../../scripts/kafka-jars.ts';
import { cpuSecondsOf, rssBytesOf } from '../load/broker-process.ts';
import type { LoadResult, LoadSpec } from '../load/load-spec.ts';

/** Runs our own generator in a process, pinned to `core` unless that is undefined. */
export async function runOwnLoad(spec: LoadSpec, core: number | undefined): Promise<LoadResult> {
  const script = join(import.meta.dirname, '../load/run-load.ts');
  const output = await runGenerator(
    [process.execPath, '--disable-warning=ExperimentalWarning', script, JSON.stringify(spec)],
    core,
  );
  return JSON.parse(output) as LoadResult;
}

/** What a generator of somebody else does, through one producer or consumer of acks=1 and a linger of 5 ms. */
export interface ToolLoad {
  readonly bootstrap: string;
  readonly topic: string;
  readonly records: number;
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly brokerPid: number;
}

const LINGER_MS = 5;
/** The first consumer of a broker waits until that has made its topic for groups. */
const SILENCE_MS_MAX = 60_000;
const JAVA = ['-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];

/** Kafka's own producer-perf-test. Its rate counts from its first record to its last. */
export async function runJavaProducer(load: ToolLoad, core: number | undefined): Promise<LoadResult> {
  const settings = {
    'bootstrap.servers': load.bootstrap,
    'batch.size': load.batchBytes,
    'linger.ms': LINGER_MS,
    acks: 1,
  };
  const { output, brokerCpuSeconds } = await runJava(load.brokerPid, core, [
    'org.apache.kafka.tools.ProducerPerformance',
    ...['--topic', load.topic],
    ...['--num-records', String(load.records)],
    ...['--record-size', String(load.recordBytes)],
    ...['--throughput', '-1'],
    '--producer-props',
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
  ]);
  const summary = /(\d+) records sent, ([\d.]+) records\/sec.*? (\d+) ms 50th.*? (\d+) ms 99th/.exec(
    output.slice(output.lastIndexOf('records sent') - 20),
  );
  if (summary === null) throw new Error(`the producer test printed no summary:\n${output.slice(-2000)}`);
  const [, records, rate, p50, p99] = summary.map(Number) as [number, number, number, number, number];
  return {
    ...resultOf(load, records, records / rate, brokerCpuSeconds),
    latency: { acknowledged: { p50, p99 } },
  };
}

/** Kafka's own consumer-perf-test, reading `records` from the beginning. Its rate counts from its first fetch. */
export async function runJavaConsumer(load: ToolLoad, core: number | undefined): Promise<LoadResult> {
  const { output, brokerCpuSeconds } = await runJava(load.brokerPid, core, [
    'org.apache.kafka.tools.ConsumerPerformance',
    ...['--bootstrap-server', load.bootstrap],
    ...['--topic', load.topic],
    ...['--messages', String(load.records)],
    ...['--timeout', String(SILENCE_MS_MAX)],
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

/** librdkafka through a small program in C: see librdkafka/load.c. */
export async function runLibrdkafka(
  what: 'produce' | 'consume',
  load: ToolLoad,
  core: number | undefined,
): Promise<LoadResult> {
  const before = cpuSecondsOf(load.brokerPid);
  const output = await runGenerator(
    [
      compileLibrdkafkaLoad(),
      ...[what, load.bootstrap, load.topic],
      ...[load.records, load.recordBytes, load.batchBytes, LINGER_MS].map(String),
    ],
    core,
  );
  const brokerCpuSeconds = cpuSecondsOf(load.brokerPid) - before;
  const { records, seconds, p50, p99 } = JSON.parse(output) as Record<
    'records' | 'seconds' | 'p50' | 'p99',
    number
  >;
  const result = resultOf(load, records, seconds, brokerCpuSeconds);
  return what === 'consume' ? result : { ...result, latency: { acknowledged: { p50, p99 } } };
}

function compileLibrdkafkaLoad(): string {
  mkdirSync(cacheDirectory, { recursive: true });
  const program = join(cacheDirectory, 'bench-librdkafka');
  const source = join(import.meta.dirname, '../librdkafka/load.c');
  // The library comes from Debian: npm run interop:install.
  execFileSync('cc', ['-O2', '-Wall', '-o', program, source, '-lrdkafka'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return program;
}

function resultOf(load: ToolLoad, records: number, seconds: number, brokerCpuSeconds: number): LoadResult {
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
  const output = await runGenerator(['java', ...JAVA, '-cp', kafkaClassPath('4.4'), ...args], core);
  return { output, brokerCpuSeconds: cpuSecondsOf(brokerPid) - before };
}

/** Pinned to `core` unless that is undefined. @returns what it printed; throws with it when it fails */
export async function runGenerator(command: readonly string[], core: number | undefined): Promise<string> {
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
      `a generator ended with ${code}: ${Buffer.concat(errors).toString().slice(-2000)}\n${text.slice(-1000)}`,
    );
  }
  return text;
}
