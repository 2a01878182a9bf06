import type { Partition } from '@odradek/core/replication/partition.ts';
import type { SimulatedBroker } from '../cluster/simulated-broker.ts';
import type { Problems } from './problem.ts';
import { type StoredBatch, storedBatches } from './stored-batches.ts';

/** Why the cluster is not whole yet, or null when it is: all brokers serve, each partition is led and all in sync. */
export function unhealed(brokers: readonly SimulatedBroker[]): string | null {
  for (const { nodeId, broker } of brokers) if (broker === null) return `broker ${nodeId} does not serve`;
  for (const [name, replicas] of replicasByPartition(brokers)) {
    const leaders = replicas.filter(({ isLeader }) => isLeader);
    const [leader] = leaders;
    if (leaders.length !== 1 || leader === undefined) return `${name} has ${leaders.length} leaders`;
    if (leader.isr.length !== leader.replicas.length) return `${name} has ${leader.isr.join()} in sync`;
    if (replicas.length !== leader.replicas.length) return `${name} is on ${replicas.length} brokers`;
  }
  return null;
}

/** Why the cluster has not settled yet, or null when it has: it is whole, and all replicas have all records. */
export function unsettled(brokers: readonly SimulatedBroker[]): string | null {
  const reason = unhealed(brokers);
  if (reason !== null) return reason;
  for (const [name, replicas] of replicasByPartition(brokers)) {
    const ends = replicas.flatMap(({ log }) => [log.logEndOffset, log.highWatermark]);
    if (new Set(ends).size > 1) return `${name} ends, and is committed, at ${ends.join()}`;
    const sizes = replicas.map(({ log }) => log.config.segmentBytes);
    if (new Set(sizes).size > 1) return `${name} has segments of ${sizes.join()} bytes`;
  }
  return null;
}

/** What must be true of the logs of a cluster that has settled. @param isExcused which partitions may have lost records */
export function checkFinalLogs(
  brokers: readonly SimulatedBroker[],
  isExcused: (partition: string) => boolean,
  problems: Problems,
): void {
  for (const [name, replicas] of replicasByPartition(brokers)) {
    // A leader that is none any more may still have deleted records that others keep, as in Kafka.
    const start = Math.max(...replicas.map(({ log }) => log.logStartOffset));
    const [first, ...others] = replicas.map((replica) => [
      ...storedBatches(replica, start, replica.log.logEndOffset),
    ]);
    for (const other of others) compare(name, first!, other, problems);
    checkDense(name, first!, problems);
    if (!isExcused(name)) checkSequences(name, first!, problems);
  }
}

export function replicasByPartition(brokers: readonly SimulatedBroker[]): Map<string, Partition[]> {
  const all = brokers.flatMap(({ replicas }) => replicas);
  return Map.groupBy(all, ({ topic, index }) => `${topic}-${index}`);
}

function compare(
  name: string,
  one: readonly StoredBatch[],
  other: readonly StoredBatch[],
  problems: Problems,
) {
  const byOffset = new Map(one.map((batch) => [batch.baseOffset, batch]));
  for (const batch of other) {
    const twin = byOffset.get(batch.baseOffset);
    if (twin?.crc === batch.crc && twin.leaderEpoch === batch.leaderEpoch) continue;
    problems.add('replicas-differ', `two replicas of ${name} have different batches at ${batch.baseOffset}`);
  }
}

function checkDense(name: string, batches: readonly StoredBatch[], problems: Problems): void {
  for (const [i, { baseOffset }] of batches.entries()) {
    const before = batches[i - 1];
    if (before === undefined || baseOffset === before.lastOffset + 1) continue;
    problems.add('offsets-not-dense', `${name} goes from ${before.lastOffset} to ${baseOffset}`);
  }
}

/** Within an epoch of an idempotent producer sequence numbers follow one another. */
function checkSequences(name: string, batches: readonly StoredBatch[], problems: Problems): void {
  const next = new Map<string, number>();
  for (const { producerId, producerEpoch, baseSequence, baseOffset, lastOffset, isControl } of batches) {
    if (producerId < 0 || isControl) continue;
    const key = `${producerId} in epoch ${producerEpoch}`;
    const expected = next.get(key) ?? baseSequence;
    if (baseSequence !== expected) {
      problems.add(
        'sequence-gap',
        `${name} has sequence ${baseSequence} of producer ${key} at ${baseOffset}, not ${expected}`,
      );
    }
    next.set(key, baseSequence + lastOffset - baseOffset + 1);
  }
}
