import { inOrder, type Ended } from './callback-flow.ts';
import { stateWithoutGone } from './broker-loss.ts';
import type { LiveBroker, PartitionEntry, TopicEntry } from './cluster-state.ts';
import type { ControllerTerm, TopicPartition } from './controller-term.ts';
import type { StateWrite } from './controller-tree.ts';
import { completeReassignments } from './leader-changes.ts';
import { legacyMovesEnded } from './legacy-requests.ts';
import { initialState } from './partition-election.ts';
import { NO_LEADER } from './partition-state-node.ts';
import { isBeingReassigned } from './topic-node.ts';
import { finishDeletion } from './topic-changes.ts';

/** How the registered brokers differ from those that are known. */
export interface BrokerDifference {
  readonly gone: readonly number[];
  readonly come: readonly LiveBroker[];
}

/** A broker with another epoch has been gone in between: it is among both. */
export function brokerDifference(
  known: ReadonlyMap<number, LiveBroker>,
  registered: readonly LiveBroker[],
): BrokerDifference {
  const now = new Map(registered.map((broker) => [broker.brokerId, broker]));
  const gone = [...known.values()]
    .filter(({ brokerId, brokerEpoch }) => now.get(brokerId)?.brokerEpoch !== brokerEpoch)
    .map(({ brokerId }) => brokerId);
  const come = registered.filter(
    ({ brokerId, brokerEpoch }) => known.get(brokerId)?.brokerEpoch !== brokerEpoch,
  );
  return { gone, come };
}

/** Brokers have gone and come: first what they held is led by others, then those that have come get their part. */
export function brokersChanged(term: ControllerTerm, registered: readonly LiveBroker[], done: Ended): void {
  const { state, log } = term.parts;
  const { gone, come } = brokerDifference(state.brokers, registered);
  if (gone.length === 0 && come.length === 0) return done(null);
  log.info('the brokers of the cluster have changed', {
    gone,
    come: come.map(({ brokerId }) => brokerId),
    live: registered.map(({ brokerId }) => brokerId),
  });
  inOrder(
    [
      (next) => (gone.length === 0 ? next(null) : brokersGone(term, gone, next)),
      (next) => (come.length === 0 ? next(null) : brokersCome(term, come, next)),
    ],
    done,
  );
}

function brokersGone(term: ControllerTerm, gone: readonly number[], done: Ended): void {
  const { state, channels } = term.parts;
  for (const brokerId of gone) {
    channels.close(brokerId);
    state.brokers.delete(brokerId);
    term.forgetTroubleOf(brokerId);
  }
  const isTouched = ({ leader, isr }: PartitionEntry) =>
    gone.includes(leader) || isr.some((id) => gone.includes(id));
  const writes = changesWhere(term, isTouched);
  term.changeStates(writes, (error) => {
    if (writes.length === 0) term.announcements.brokers();
    done(error);
  });
}

function brokersCome(term: ControllerTerm, come: readonly LiveBroker[], done: Ended): void {
  const { state, channels } = term.parts;
  const ids = come.map(({ brokerId }) => brokerId);
  for (const broker of come) {
    state.brokers.set(broker.brokerId, broker);
    channels.open(broker);
  }
  term.announcements.brokers();
  term.announcements.everythingTo(ids);
  const waits = ({ replicas, partitionEpoch, leader }: PartitionEntry) =>
    replicas.some((id) => ids.includes(id)) && (partitionEpoch < 0 || leader === NO_LEADER);
  resume(term, waits, done);
}

/** What waited for brokers: elections of the partitions concerned, reassignments, deletions. */
function resume(term: ControllerTerm, isConcerned: (entry: PartitionEntry) => boolean, done: Ended): void {
  inOrder(
    [
      (next) => term.changeStates(changesWhere(term, isConcerned), next),
      (next) => completePending(term, next),
      (next) => resumeDeletions(term, next),
    ],
    done,
  );
}

/** Completes the reassignments whose new replicas are in sync by now. */
export function completePending(term: ControllerTerm, done: Ended): void {
  const moving = partitionsWhere(term, isBeingReassigned);
  inOrder(
    [(next) => completeReassignments(term, moving, next), (next) => legacyMovesEnded(term, next)],
    done,
  );
}

/** Replicas lie on disks that do not work: others lead, and those leave the in-sync sets. */
export function replicasBroken(
  term: ControllerTerm,
  broken: readonly (TopicPartition & { readonly brokerId: number })[],
  done: Ended,
): void {
  for (const replica of broken) term.markBroken(replica);
  const keys = new Set(broken.map(({ topic, partition }) => `${topic} ${partition}`));
  const isBroken = ({ index }: PartitionEntry, { name }: TopicEntry) => keys.has(`${name} ${index}`);
  term.changeStates(changesWhere(term, isBroken), done);
}

/** Who may lead without being in sync has changed, of one topic or, with null, of all: some may get a leader now. */
export function electionSettingsChanged(term: ControllerTerm, topic: string | null, done: Ended): void {
  const isLeaderless = ({ leader, partitionEpoch }: PartitionEntry, { name }: TopicEntry) =>
    leader === NO_LEADER && partitionEpoch >= 0 && (topic === null || name === topic);
  term.changeStates(changesWhere(term, isLeaderless), done);
}

function resumeDeletions(term: ControllerTerm, done: Ended): void {
  inOrder(
    [...term.deletions].map((name) => (next: Ended) => finishDeletion(term, name, next)),
    done,
  );
}

type Where = (entry: PartitionEntry, topic: TopicEntry) => boolean;

function changesWhere(term: ControllerTerm, isConcerned: Where): StateWrite[] {
  const { state, settings } = term.parts;
  const writes: StateWrite[] = [];
  for (const topic of state.topics()) {
    if (topic.isDeleting) continue;
    for (const entry of topic.partitions) {
      if (!isConcerned(entry, topic)) continue;
      const isAvailable = (id: number) => term.isAvailable(id, topic.name, entry.index);
      const next =
        entry.partitionEpoch < 0
          ? initialState(entry.replicas, isAvailable, term.epoch)
          : stateWithoutGone(entry, {
              isAvailable,
              controllerEpoch: term.epoch,
              allowsUnclean: settings.allowsUncleanElection(topic.name),
            });
      if (next === null) continue;
      const { index, partitionEpoch } = entry;
      writes.push({ topic: topic.name, partition: index, state: next, expectedVersion: partitionEpoch });
    }
  }
  return writes;
}

function partitionsWhere(term: ControllerTerm, isConcerned: Where): TopicPartition[] {
  return Array.from(term.parts.state.topics()).flatMap((topic) =>
    topic.partitions
      .filter((entry) => !topic.isDeleting && isConcerned(entry, topic))
      .map(({ index }) => ({ topic: topic.name, partition: index })),
  );
}
