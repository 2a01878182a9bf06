import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { LogConfig } from '@odradek/core/log/log-config.ts';
import type { Disk } from '@odradek/core/ports/disk.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import { ReplicaFetcher } from '@odradek/core/replication/replica-fetcher.ts';
import type { ReplicationQuota } from '@odradek/core/replication/replication-quota.ts';
import { SILENT } from '../log/log-world.ts';
import { type Ground, leadershipOf, NODE, world, type World } from './replica-world.ts';
import { ScriptedLink } from './scripted-peer.ts';

export const LEADER = 2;
export const BACKOFF_MS = 1000;

export interface Scene {
  readonly here: World;
  readonly link: ScriptedLink;
  readonly fetcher: ReplicaFetcher;
  /** Lets the partition be followed in this epoch. */
  lead(index: number, leaderEpoch: number): Partition;
}

interface Throttle {
  readonly quota?: ReplicationQuota;
  readonly settings?: Ground['settings'];
}

interface Storage {
  readonly disk?: Disk;
  readonly config?: LogConfig;
}

/** A broker that follows partitions of a leader that the test plays. @param version see ScriptedLink */
export function scene(version = 17, { quota, settings = {} }: Throttle = {}, storage: Storage = {}): Scene {
  const here = world(1, { settings, ...storage });
  const link = new ScriptedLink(version);
  const fetcher = new ReplicaFetcher({
    nodeId: NODE,
    leaderId: LEADER,
    link,
    clock: here.time,
    timers: here.time,
    log: SILENT,
    brokerEpoch: () => 77,
    settings: () => ({
      waitMaxMs: 500,
      minBytes: 1,
      maxBytes: 10_000,
      partitionMaxBytes: 1_000,
      backoffMs: BACKOFF_MS,
      timeoutMs: 30_000,
    }),
    progressed: () => here.replicas.wakeWaiting(),
    ...(quota === undefined ? {} : { quota }),
  });
  const lead = (index: number, leaderEpoch: number): Partition => {
    const replicas = [LEADER, NODE];
    const change = { leader: LEADER, leaderEpoch, replicas, isr: replicas, partitionEpoch: leaderEpoch };
    here.replicas.applyLeadership([leadershipOf(index, change)]);
    const partition = here.replicas.partition('t', index)!;
    fetcher.follow(partition);
    return partition;
  };
  return { here, link, fetcher, lead };
}

/** Batches of one record each, as a leader has them. */
export function stored(baseOffset: number, ...epochs: number[]): Buffer {
  return Buffer.concat(
    epochs.map((partitionLeaderEpoch, i) => {
      const value = Buffer.from(`${baseOffset + i} of ${partitionLeaderEpoch}`);
      const records = [{ key: null, value, headers: [], timestamp: 1_700_000_000_000 }];
      return encodeRecordBatch({ baseOffset: baseOffset + i, partitionLeaderEpoch, records });
    }),
  );
}
