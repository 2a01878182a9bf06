// One consumer reads, from the beginning and on and on, a log that is much larger than the memory for its pages; another
// client produces at a steady rate meanwhile. The broker runs in a memory cgroup, where the system allows on a disk that
// is slowed down. It is measured as it is, and with all reading done on the event loop: that is what it must be better than.
//   npm run prove:cold-read [-- --log-mb 1200] [--limit-mb 384] [--seconds 5]
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { closeWith } from '../../interop/closing-line.ts';
import { RawConnection } from '../../interop/wire/raw-connection.ts';
import { FrameConnection } from '../load/frame-connection.ts';
import {
  batchOf,
  fetchFrame,
  produceError,
  produceFrame,
  readFetchHead,
  setFetchOffset,
} from '../load/frames.ts';
import type { FromBroker, LoopDelay } from './broker-process.ts';
import { limitMemory, type LimitedGroup } from './limited-group.ts';

const HOST = '127.0.0.1';
const MB = 1024 * 1024;
const COLD = 'cold';
const HOT = 'hot';
const FILL_BATCH_BYTES = MB - 4096;
const FILL_IN_FLIGHT = 3;
const FETCH_BYTES = MB;
const BATCH_BYTES = 16 * 1024;
const EVERY_MS = 4;
/** Of a slow disk; a fast one needs a faster processor to show the same. */
const DISK_BYTES_PER_SECOND = 60 * MB;
/** How much worse the median must be with all reading on the loop. On a slowed disk it is some 20 times. */
const MEDIAN_RATIO_MIN = 4;
/**
 * With reading off the loop the slowest tenth must be at most this share of what it is with reading on it. Not the
 * slowest hundredth: on a machine that is busy with other things, that is theirs.
 */
const P90_SHARE_MAX = 0.5;

type Reads = 'pool' | 'loop';

interface Latencies {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

interface Phase {
  readonly latencies: Latencies;
  readonly delay: LoopDelay;
  readonly readMegabytes: number;
}

class BrokerProcess {
  readonly port: number;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  static async start(group: LimitedGroup, directory: string, reads: Reads): Promise<BrokerProcess> {
    const main = join(import.meta.dirname, 'broker-process.ts');
    const { program, args } = group.command(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      main,
      directory,
      reads,
    ]);
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const message = await answerOf(child);
    return new BrokerProcess(child, (message as { port: number }).port);
  }

  /** Since the last call. */
  async loopDelay(): Promise<LoopDelay> {
    const answer = answerOf(this.child);
    this.child.send('delay?');
    return ((await answer) as { delay: LoopDelay }).delay;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}

function answerOf(child: ChildProcess): Promise<FromBroker> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('the broker has ended'));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.removeListener('exit', ended);
      resolve(message as FromBroker);
    });
  });
}

async function createTopics(port: number): Promise<void> {
  const connection = await RawConnection.open(HOST, port);
  const { topics } = await connection.ask(createTopicsApi, 5, {
    timeoutMs: 30_000,
    topics: [COLD, HOT].map((name) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: 'segment.bytes', value: String(256 * MB) }],
    })),
  });
  connection.close();
  for (const { name, errorCode } of topics) if (errorCode !== 0) throw new Error(`${name}: ${errorCode}`);
}

/** Sends as many batches as make up `sizeBytes`. */
async function fill(port: number, sizeBytes: number): Promise<void> {
  const batch = batchOf(FILL_BATCH_BYTES, 1024);
  const frame = produceFrame(COLD, 0, 1, batch);
  const count = Math.ceil(sizeBytes / batch.bytes.length);
  const all = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  const connection: FrameConnection = await FrameConnection.open(
    HOST,
    port,
    (answer) => {
      const code = produceError(answer, COLD);
      if (code !== 0) return all.reject(new Error(`a batch was refused with error ${code}`));
      if (++answered === count) return all.resolve();
      if (sent++ < count) connection.send(frame);
    },
    all.reject,
  );
  while (sent < Math.min(count, FILL_IN_FLIGHT)) {
    sent++;
    connection.send(frame);
  }
  await all.promise;
  connection.close();
}

/** Reads the cold topic from its beginning, and again, until it is told to end. */
async function coldReader(port: number): Promise<{ readBytes(): number; end(): void }> {
  const batch = batchOf(FILL_BATCH_BYTES, 1024);
  const frame = fetchFrame(COLD, 0, 0, FETCH_BYTES);
  let readBytes = 0;
  let offset = 0;
  let isEnded = false;
  const failed = (error: Error): void => {
    if (!isEnded) throw error;
  };
  const connection: FrameConnection = await FrameConnection.open(
    HOST,
    port,
    (answer) => {
      const { errorCode, recordBytes } = readFetchHead(answer, COLD);
      if (errorCode !== 0) throw new Error(`a fetch was refused with error ${errorCode}`);
      readBytes += recordBytes;
      offset = recordBytes === 0 ? 0 : offset + Math.floor(recordBytes / batch.bytes.length) * batch.records;
      setFetchOffset(frame, offset);
      if (!isEnded) connection.send(frame);
    },
    failed,
  );
  connection.send(frame);
  return {
    readBytes: () => readBytes,
    end: () => {
      isEnded = true;
      connection.close();
    },
  };
}

/** Produces at a steady rate. A broker that stalls pays for all batches that were due meanwhile. */
async function produceSteadily(port: number, forMs: number): Promise<Latencies> {
  const frame = produceFrame(HOT, 0, 1, batchOf(BATCH_BYTES, 1024));
  const latencies: number[] = [];
  const failed = Promise.withResolvers<never>();
  const connection = await FrameConnection.open(
    HOST,
    port,
    (answer) => {
      if (produceError(answer, HOT) !== 0) failed.reject(new Error('a batch was refused'));
      latencies.push(performance.now() - beginMs - latencies.length * EVERY_MS);
    },
    failed.reject,
  );
  const beginMs = performance.now();
  const count = Math.floor(forMs / EVERY_MS);
  for (let sent = 0; sent < count; sent++) {
    const waitMs = beginMs + sent * EVERY_MS - performance.now();
    if (waitMs > 0) await Promise.race([sleep(waitMs), failed.promise]);
    connection.send(frame);
  }
  while (latencies.length < count) await Promise.race([sleep(5), failed.promise]);
  connection.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor((count - 1) * share)]!;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

async function measure(broker: BrokerProcess, forMs: number, withReader: boolean): Promise<Phase> {
  const reader = withReader ? await coldReader(broker.port) : null;
  await broker.loopDelay();
  const before = reader?.readBytes() ?? 0;
  const latencies = await produceSteadily(broker.port, forMs);
  const delay = await broker.loopDelay();
  const readMegabytes = ((reader?.readBytes() ?? 0) - before) / MB;
  reader?.end();
  return { latencies, delay, readMegabytes };
}

function rowOf(name: string, { latencies, delay, readMegabytes }: Phase) {
  const ms = (value: number): string => value.toFixed(2);
  return {
    phase: name,
    'produce p50, ms': ms(latencies.p50),
    'p90, ms': ms(latencies.p90),
    'p99, ms': ms(latencies.p99),
    'max, ms': ms(latencies.max),
    'loop held p50, ms': ms(delay.p50),
    'loop p99, ms': ms(delay.p99),
    'loop max, ms': ms(delay.max),
    'read, MB': Math.round(readMegabytes),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'log-mb': { type: 'string', default: '1200' },
      'limit-mb': { type: 'string', default: '384' },
      seconds: { type: 'string', default: '5' },
    },
  });
  const forMs = Number(values.seconds) * 1000;
  const directory = mkdtempSync(join(tmpdir(), 'odradek-cold-read-'));
  const group = limitMemory(`odradek-cold-read-${process.pid}`, Number(values['limit-mb']) * MB);
  let broker: BrokerProcess | null = null;
  try {
    broker = await BrokerProcess.start(group, directory, 'pool');
    await createTopics(broker.port);
    await fill(broker.port, Number(values['log-mb']) * MB);
    await broker.stop();
    const isSlow = group.slowReads(directory, DISK_BYTES_PER_SECOND);
    const phases = new Map<string, Phase>();
    for (const reads of ['pool', 'loop'] as const) {
      broker = await BrokerProcess.start(group, directory, reads);
      await measure(broker, 1000, false);
      phases.set(`${reads}, alone`, await measure(broker, forMs, false));
      phases.set(`${reads}, cold reader`, await measure(broker, forMs, true));
      await broker.stop();
    }
    console.table([...phases].map(([name, phase]) => rowOf(name, phase)));
    console.log(
      `${values['log-mb']} MB of log, memory limited to ${values['limit-mb']} MB, ${Math.round(group.cacheBytes() / MB)} MB of pages in memory at the end, ` +
        (isSlow ? `disk slowed to ${DISK_BYTES_PER_SECOND / MB} MB/s` : 'disk as it is'),
    );
    judge(phases.get('pool, cold reader')!, phases.get('loop, cold reader')!, isSlow);
  } finally {
    await broker?.stop();
    rmSync(directory, { recursive: true, force: true });
    await group.remove();
  }
}

/** Ratios within one run: what else the machine does hits both. */
function judge(pool: Phase, loop: Phase, isSlow: boolean): void {
  const checks: [string, boolean][] = [
    ['records were read in both variants', pool.readMegabytes > 10 && loop.readMegabytes > 10],
    [
      `the slowest tenth of produce requests takes at most ${P90_SHARE_MAX} of what it takes with reading on the loop`,
      pool.latencies.p90 <= loop.latencies.p90 * (isSlow ? P90_SHARE_MAX : 1),
    ],
  ];
  if (isSlow) {
    checks.push(
      [
        `the median is ${MEDIAN_RATIO_MIN} times worse with reading on the loop`,
        loop.latencies.p50 >= pool.latencies.p50 * MEDIAN_RATIO_MIN,
      ],
      ['the reader gets a third at least of what it gets so', pool.readMegabytes >= loop.readMegabytes / 3],
    );
  }
  for (const [what, holds] of checks) console.log(`${holds ? 'holds' : 'FAILS'}: ${what}`);
  const failed = checks.filter(([, holds]) => !holds).length;
  closeWith(checks.length - failed, failed);
}

await main();
