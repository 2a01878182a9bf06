import type { Ended } from './callback-flow.ts';
import type { ControllerTerm, TopicPartition } from './controller-term.ts';
import type { StateWrite } from './controller-tree.ts';
import { electPreferred } from './partition-election.ts';
import { isBeingReassigned } from './topic-node.ts';

/** A partition with what decides about its balance. */
export interface LedPartition extends TopicPartition {
  readonly leader: number;
  /** The first of its replicas. */
  readonly preferred: number;
}

/** Partitions that should go back to their preferred brokers: all of those brokers that are out of balance. */
export function outOfBalance(partitions: readonly LedPartition[], toleratedPercent: number): LedPartition[] {
  const byPreferred = Map.groupBy(partitions, ({ preferred }) => preferred);
  return [...byPreferred.values()].flatMap((ofBroker) => {
    const elsewhere = ofBroker.filter(({ leader, preferred }) => leader !== preferred);
    return (100 * elsewhere.length) / ofBroker.length > toleratedPercent ? elsewhere : [];
  });
}

/** Has preferred brokers lead again, where they are alive and in sync. */
export function balanceLeaders(term: ControllerTerm, toleratedPercent: number, done: Ended): void {
  const { state } = term.parts;
  const partitions = Array.from(state.topics()).flatMap((topic) =>
    topic.partitions
      .filter((entry) => !topic.isDeleting && entry.partitionEpoch >= 0 && !isBeingReassigned(entry))
      .map(({ index, leader, replicas }) => ({
        topic: topic.name,
        partition: index,
        leader,
        preferred: replicas[0]!,
      })),
  );
  const writes = outOfBalance(partitions, toleratedPercent).flatMap(({ topic, partition }): StateWrite[] => {
    const entry = state.topic(topic)!.partitions[partition]!;
    const isLive = (id: number) => term.isAvailable(id, topic, partition) && !term.stopping.has(id);
    const next = electPreferred({
      state: entry,
      replicas: entry.replicas,
      isLive,
      controllerEpoch: term.epoch,
    });
    return next === null ? [] : [{ topic, partition, state: next, expectedVersion: entry.partitionEpoch }];
  });
  if (writes.length > 0)
    term.parts.log.info('moving leaders to their preferred brokers', { count: writes.length });
  term.changeStates(writes, done);
}
