// What is measured beside each other. A further peer is a further entry.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTarget } from '../../interop/targets/start-target.ts';
import type { Target, TargetName } from '../../interop/targets/target.ts';
import { startKafka } from '../../scripts/kafka.ts';
import { startBaseline } from '../baseline/start-baseline.ts';

/** A broker with its partitions in a folder that is known. */
export interface BenchTarget extends Target {
  readonly dataDirectory: string;
}

export interface Peer {
  readonly name: string;
  /** How it is set up, for whoever reads the results. */
  readonly setUp: string;
  /** No broker with topics and logs, but something that takes what producers send. */
  readonly onlyProduces: boolean;
  /** @param core the one that its process is pinned to; undefined for none */
  start(core: number | undefined, overrides?: Readonly<Record<string, string>>): Promise<BenchTarget>;
}

export const HEAP_MB = 1024;

/** What Kafka's documentation gives for its own machines (operations, "Java version"), but the heap. */
export const DOCUMENTED_JVM: readonly string[] = [
  '-server',
  `-Xms${HEAP_MB}m`,
  '-XX:MetaspaceSize=96m',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:G1HeapRegionSize=16M',
  '-XX:MinMetaspaceFreeRatio=50',
  '-XX:MaxMetaspaceFreeRatio=80',
  '-XX:+ExplicitGCInvokesConcurrent',
];

export const JVM_SET_UP = `heap -Xms${HEAP_MB}m -Xmx${HEAP_MB}m as in Kafka's start script, G1 and metaspace as its documentation advises, 3 network and 8 I/O threads (default)`;

/** The same for all: sizes and a retention that never come into play in a run. */
const SETTINGS: Readonly<Record<string, string>> = {
  'log.retention.hours': '24',
  'log.segment.bytes': '1073741824',
  'message.max.bytes': '8388608',
  'log.segment.delete.delay.ms': '1000',
  'num.partitions': '1',
};

/** A session that outlives a broker that is busy for some seconds, as it does in Kafka's own settings. */
const PATIENCE: Readonly<Record<string, string>> = { 'zookeeper.session.timeout.ms': '10000' };

export const peers: readonly Peer[] = [
  {
    name: 'odradek',
    setUp: 'as npm start starts it, default settings',
    onlyProduces: false,
    start: (core, overrides) =>
      withDirectory((directory) =>
        startTarget('odradek', {
          overrides: { ...SETTINGS, 'log.dirs': directory, ...overrides },
          ...pinned(core),
        }),
      ),
  },
  {
    name: 'kafka-4.4',
    setUp: `Apache Kafka 4.4.0, KRaft, one process as broker and controller; ${JVM_SET_UP}`,
    onlyProduces: false,
    start: (core, overrides) => startJvm('4.4', core, overrides),
  },
  {
    name: 'kafka-3.9',
    setUp: `Apache Kafka 3.9.2, ZooKeeper in a process of its own; ${JVM_SET_UP}`,
    onlyProduces: false,
    start: (core, overrides) => startJvm('3.9', core, overrides),
  },
  {
    name: 'c-baseline',
    setUp: 'one thread in C that receives, checks the checksum, writes and answers, and no more',
    onlyProduces: true,
    start: (core) => withDirectory(() => startBaseline(core)),
  },
];

export function peerNamed(name: string): Peer {
  const found = peers.find((peer) => peer.name === name);
  if (found === undefined) {
    throw new Error(`peer ${name} is not known: there are ${peers.map((peer) => peer.name).join(', ')}`);
  }
  return found;
}

async function startJvm(
  version: '3.9' | '4.4',
  core: number | undefined,
  overrides: Readonly<Record<string, string>> = {},
): Promise<BenchTarget> {
  return withDirectory(async (directory) => {
    const kafka = await startKafka({
      version,
      overrides: { ...SETTINGS, ...(version === '3.9' ? PATIENCE : {}), 'log.dirs': directory, ...overrides },
      heapMb: HEAP_MB,
      jvm: DOCUMENTED_JVM,
      ...pinned(core),
    });
    const name: TargetName = `kafka-${version}`;
    return Object.defineProperty(kafka as typeof kafka & { name: string }, 'name', { value: name });
  });
}

/** A target whose data lies in a folder of its own, deleted when it is stopped. */
async function withDirectory(start: (directory: string) => Promise<Target>): Promise<BenchTarget> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-bench-data-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  try {
    const target = await start(join(directory, 'data'));
    const stopTarget = target.stop.bind(target);
    return Object.defineProperties(target as BenchTarget, {
      dataDirectory: { value: join(directory, 'data') },
      stop: { value: () => stopTarget().finally(remove) },
    });
  } catch (error) {
    remove();
    throw error;
  }
}

function pinned(core: number | undefined): { core?: number } {
  return core === undefined ? {} : { core };
}
