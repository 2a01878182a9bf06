// A leader of Apache Kafka that works as before 2.7 (inter.broker.protocol.version) changes its in-sync set in the tree
// itself, and tells the controller afterwards, some seconds later: in /isr_change_notification.
import { allOf, attempt, inOrder, isOneOf, type Ended } from './callback-flow.ts';
import type { ControllerTerm, TopicPartition } from './controller-term.ts';
import type { JsonNode } from './json-node.ts';
import { completeReassignments } from './leader-changes.ts';
import { legacyMovesEnded } from './legacy-requests.ts';
import { decodePartitionState } from './partition-state-node.ts';
import { takeNotices } from './tree-notices.ts';
import { treePaths } from './tree-paths.ts';

/** Reads the states that leaders have written, tells all brokers, and completes what has waited for them. */
export function inSyncChangesAppeared(term: ControllerTerm, names: readonly string[], done: Ended): void {
  const act = (notices: readonly (readonly TopicPartition[])[], next: Ended) => {
    const told = new Map(notices.flat().map((changed) => [`${changed.topic} ${changed.partition}`, changed]));
    takeWritten(term, [...told.values()], next);
  };
  takeNotices(term, treePaths.inSyncChanges, names, partitionsOf, act, done);
}

function partitionsOf(node: JsonNode): TopicPartition[] {
  return node
    .objects('partitions')
    .map((each) => ({ topic: each.string('topic'), partition: each.integer('partition') }));
}

function takeWritten(term: ControllerTerm, partitions: readonly TopicPartition[], done: Ended): void {
  const changed: TopicPartition[] = [];
  const read = (partition: TopicPartition, next: Ended) =>
    readState(term, partition, (error, isNews) => {
      if (isNews) changed.push(partition);
      next(error);
    });
  inOrder(
    [
      (next) => allOf(partitions, read, next),
      (next) => {
        if (changed.length > 0) term.announcements.metadata(changed);
        completeReassignments(term, changed, next);
      },
      (next) => legacyMovesEnded(term, next),
    ],
    done,
  );
}

/** @param done with whether the tree had a state that was not known here */
function readState(
  term: ControllerTerm,
  { topic, partition }: TopicPartition,
  done: (error: Error | null, isNews: boolean) => void,
): void {
  const { coordination, state, log } = term.parts;
  if (state.topic(topic)?.partitions[partition] === undefined) return done(null, false);
  coordination.read(treePaths.partitionState(topic, partition), null, (error, contents) => {
    if (error !== null) return done(isOneOf(error, 'NONODE') ? null : error, false);
    const { version } = contents.stat;
    // Its answers may have come while the topic went.
    const known = state.topic(topic)?.partitions[partition];
    if (known === undefined || version <= known.partitionEpoch) return done(null, false);
    const [fault, written] = attempt(() => decodePartitionState(topic, partition, contents.data));
    if (fault !== null) {
      log.error('a state that a leader has written cannot be read', { error: fault });
      return done(null, false);
    }
    state.setPartitionState(topic, partition, written, version);
    done(null, true);
  });
}
