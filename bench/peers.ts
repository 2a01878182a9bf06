// What is measured beside each other. A further peer is a further entry.
import { startTarget } from '../interop/targets/start-target.ts';
import type { Target } from '../interop/targets/target.ts';
import { startKafka } from '../scripts/kafka.ts';
import { startBaseline } from './baseline/start-baseline.ts';

export interface Peer {
  readonly name: string;
  /** How it is set up, for whoever reads the results. */
  readonly setUp: string;
  /** What it can do where it is no whole broker: then it has no topics, and these workloads are all. */
  readonly only?: readonly string[];
  /** @param core the one that its process is pinned to; undefined for none */
  start(core: number | undefined): Promise<Target>;
}

const HEAP_MB = 1024;

/**
 * The same for all. A retention and a segment size that never come into play in a run, and on Kafka's side what its
 * documentation advises for one core and eight: its defaults of 3 network and 8 I/O threads.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  'log.retention.hours': '24',
  'log.segment.bytes': '1073741824',
  'message.max.bytes': '8388608',
  'log.segment.delete.delay.ms': '1000',
  'num.partitions': '1',
};

const JVM = `-Xmx${HEAP_MB}m, G1 with the settings of Kafka's start script, 3 network and 8 I/O threads (default)`;

export const peers: readonly Peer[] = [
  {
    name: 'odradek',
    setUp: 'npm start, default settings',
    start: (core) => startTarget('odradek', { overrides: SETTINGS, ...pinned(core) }),
  },
  {
    name: 'kafka-4.4',
    setUp: `Apache Kafka 4.4.0, KRaft, one process as broker and controller; ${JVM}`,
    start: (core) => startJvm('4.4', core),
  },
  {
    name: 'kafka-3.9',
    setUp: `Apache Kafka 3.9.2, ZooKeeper in a process of its own; ${JVM}`,
    start: (core) => startJvm('3.9', core),
  },
  {
    name: 'c-baseline',
    setUp: 'one thread in C that receives, checks the checksum, writes and answers, and no more',
    only: ['produce'],
    start: startBaseline,
  },
];

export function canRun(peer: Peer, kind: string): boolean {
  return peer.only === undefined || peer.only.includes(kind);
}

export function peerNamed(name: string): Peer {
  const found = peers.find((peer) => peer.name === name);
  if (found === undefined) {
    throw new Error(`peer ${name} is not known: there are ${peers.map((peer) => peer.name).join(', ')}`);
  }
  return found;
}

async function startJvm(version: '3.9' | '4.4', core: number | undefined): Promise<Target> {
  const kafka = await startKafka({ version, overrides: SETTINGS, heapMb: HEAP_MB, ...pinned(core) });
  return Object.defineProperty(kafka as typeof kafka & { name: string }, 'name', {
    value: `kafka-${version}`,
  });
}

function pinned(core: number | undefined): { core?: number } {
  return core === undefined ? {} : { core };
}
