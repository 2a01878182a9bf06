import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import type { LogConfig } from '@odradek/core/log/log-config.ts';
import type { Disk } from '@odradek/core/ports/disk.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '@odradek/core/log/log-manager.ts';
import type { FetchLimits, FetchPartition } from '@odradek/core/replication/fetch-request.ts';
import type { InSyncOutcome, InSyncProposal } from '@odradek/core/replication/leader-role.ts';
import type { LeadershipChange } from '@odradek/core/replication/leadership.ts';
import { type FetchReading, releaseReading } from '@odradek/core/replication/read-partitions.ts';
import type { PartitionSettings } from '@odradek/core/replication/partition.ts';
import type { ReplicationQuota } from '@odradek/core/replication/replication-quota.ts';
import {
  type AppendResult,
  type ReadPreference,
  ReplicaManager,
} from '@odradek/core/replication/replica-manager.ts';
import { MemoryDisk } from '../../../broker/src/adapters/memory-disk.ts';
import { ManualTime, SILENT } from '../log/log-world.ts';

export const NODE = 1;
export const TOPIC_ID = 'abcdefghijklmnopqrstuQ';
export const LAG_MAX_MS = 30_000;

export function leadershipOf(partition: number, change: Partial<LeadershipChange> = {}): LeadershipChange {
  return {
    topic: 't',
    topicId: TOPIC_ID,
    partition,
    leader: NODE,
    leaderEpoch: 0,
    isr: [NODE],
    partitionEpoch: 0,
    replicas: [NODE],
    isNew: true,
    ...change,
  };
}

/** What a leader asked the controller for, with the way to answer. */
export interface Proposed extends InSyncProposal {
  answer(outcome: InSyncOutcome): void;
}

export interface World {
  readonly time: ManualTime;
  readonly replicas: ReplicaManager;
  readonly logs: LogManager;
  readonly proposals: Proposed[];
  /** Brokers that are not alive. */
  readonly dead: Set<number>;
  /** Partitions whose records come from another broker, with that broker's id. */
  readonly followed: Map<number, number>;
}

export interface Ground {
  readonly disk?: Disk;
  readonly time?: ManualTime;
  readonly config?: LogConfig;
  readonly isNew?: boolean;
  /** Of all topics, beside `min.insync.replicas`. */
  readonly settings?: Omit<PartitionSettings, 'minInsyncReplicas'>;
  readonly leaderQuota?: ReplicationQuota;
  readonly readPreference?: ReadPreference;
}

/** One broker's replicas on a disk in memory; partitions 0 and 1 of topic `t` are its own alone. */
export function world(minInsyncReplicas = 1, ground: Ground = {}): World {
  const time = ground.time ?? new ManualTime();
  const disk = ground.disk ?? new MemoryDisk(() => time.now());
  const random = { fraction: () => 0.5, uuidBytes: () => Buffer.alloc(16, 7) };
  const logs = new LogManager(
    { disk, clock: time, timers: time, random, log: SILENT },
    {
      ...DEFAULT_LOG_INTERVALS,
      directories: ['/data/a', '/data/b'],
      configOf: () => ground.config ?? DEFAULT_LOG_CONFIG,
    },
  );
  logs.open();
  const proposals: Proposed[] = [];
  const dead = new Set<number>();
  const followed = new Map<number, number>();
  const replicas = new ReplicaManager({
    nodeId: NODE,
    logs,
    clock: time,
    timers: time,
    log: SILENT,
    settingsOf: () => ({ minInsyncReplicas, ...ground.settings }),
    lagMaxMs: () => LAG_MAX_MS,
    ...(ground.leaderQuota === undefined ? {} : { leaderQuota: ground.leaderQuota }),
    ...(ground.readPreference === undefined ? {} : { readPreference: ground.readPreference }),
    peers: {
      isLive: (id) => !dead.has(id),
      proposeInSync: (proposal, answer) => void proposals.push({ ...proposal, answer }),
      follow: ({ index, leaderId }) => void followed.set(index, leaderId),
      unfollow: ({ index }) => void followed.delete(index),
    },
  });
  const { isNew = true } = ground;
  replicas.applyLeadership([leadershipOf(0, { isNew }), leadershipOf(1, { isNew })]);
  return { time, replicas, logs, proposals, dead, followed };
}

export function batch(text: string): Buffer {
  const record = { key: null, value: Buffer.from(text), headers: [], timestamp: 1_700_000_000_000 };
  return encodeRecordBatch({ baseOffset: 0, records: [record] });
}

export function append(
  { replicas }: World,
  partition: number,
  requiredAcks: -1 | 0 | 1,
  text = 'x',
): AppendResult[] {
  const results: AppendResult[] = [];
  const options = { requiredAcks, timeoutMs: 1000, origin: 'client', requestVersion: 9 } as const;
  replicas.append('t', partition, batch(text), options, (result) => results.push(result));
  replicas.wakeWaiting();
  return results;
}

export function from(
  partition: number,
  fetchOffset: number,
  change: Partial<FetchPartition> = {},
): FetchPartition {
  return {
    topic: 't',
    topicId: ZERO_UUID,
    partition,
    fetchOffset,
    maxBytes: 1_000_000,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    ...change,
  };
}

const WAITING: FetchLimits = {
  reader: { kind: 'consumer', place: null },
  minBytes: 1,
  maxBytes: 1_000_000,
  maxWaitMs: 500,
  bound: 'high-watermark',
  hardLimit: false,
};

export function fetch({ replicas }: World, partitions: FetchPartition[], limits: Partial<FetchLimits> = {}) {
  const readings: FetchReading[] = [];
  const parked = replicas.fetch(partitions, { ...WAITING, ...limits }, (reading) => {
    releaseReading(reading);
    readings.push(reading);
  });
  return { readings, parked };
}

/** Broker `brokerId` fetches as a follower, without waiting. */
export function follow(
  here: World,
  brokerId: number,
  fetchOffset: number,
  change: Partial<FetchPartition> = {},
) {
  const limits = { reader: { kind: 'follower', brokerId }, maxWaitMs: 0, bound: 'log-end' } as const;
  return fetch(here, [from(0, fetchOffset, { logStartOffset: 0, ...change })], limits).readings[0]!;
}
