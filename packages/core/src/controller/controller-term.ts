import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Random } from '../ports/random.ts';
import type { LeadershipChange } from '../replication/leadership.ts';
import type { Ended } from './callback-flow.ts';
import type { ClusterState, TopicEntry } from './cluster-state.ts';
import { isFenced, type ControllerTree, type StateWrite } from './controller-tree.ts';
import type { ReplicaAssignment } from './topic-node.ts';
import type { TopicDefaults, TopicFault } from './topic-request.ts';

/** What the controller tells the broker it runs in, once the tree holds it. */
export interface BrokerNotices {
  /** The settings of a topic before its first partition is announced, and null once it is gone. */
  topicSettings(topic: string, settings: ReadonlyMap<string, string> | null): void;
  applyLeadership(changes: readonly LeadershipChange[]): unknown;
  stopPartitions(
    stops: readonly { readonly topic: string; readonly partition: number; readonly deleteLog: boolean }[],
  ): void;
}

/** How topic settings are judged. */
export interface TopicSettingRules {
  /** What is wrong with the settings of a new topic, or null. */
  fault(settings: ReadonlyMap<string, string>): string | null;
  /** unclean.leader.election.enable as it holds for a topic. */
  allowsUncleanElection(topic: string): boolean;
}

export interface ControllerParts {
  readonly nodeId: number;
  readonly coordination: Coordination;
  readonly state: ClusterState;
  readonly notices: BrokerNotices;
  readonly settings: TopicSettingRules;
  /** Read for each request: the broker's settings may change. */
  readonly defaults: () => TopicDefaults;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogSink;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * The time in which one broker is the controller, and what all its decisions need: write to the tree, then take
 * over what was written, then tell the broker.
 */
export class ControllerTerm {
  readonly parts: ControllerParts;
  readonly epoch: number;
  readonly tree: ControllerTree;
  private readonly onFenced: () => void;

  /** @param onFenced another controller has been elected: the term is over */
  constructor(parts: ControllerParts, epoch: number, tree: ControllerTree, onFenced: () => void) {
    this.parts = parts;
    this.epoch = epoch;
    this.tree = tree;
    this.onFenced = onFenced;
  }

  /** Writes states, takes those that were written and tells the broker. */
  changeStates(
    writes: readonly StateWrite[],
    done: (error: Error | null, written: readonly StateWrite[]) => void,
  ): void {
    this.tree.writeStates(writes, (error, written) => {
      this.takeStates(written);
      this.announce(written.map(({ topic, partition }) => this.leadershipOf(topic, partition, false)));
      done(error, written);
    });
  }

  /** Writes the node of a topic anew, some of its assignments changed, with states that follow from that. */
  rewriteTopic(
    topic: TopicEntry,
    changed: ReadonlyMap<number, ReplicaAssignment>,
    writes: readonly StateWrite[],
    done: Ended,
  ): void {
    const { state } = this.parts;
    const { name, topicId, nodeVersion } = topic;
    const partitions = new Map(
      topic.partitions.map((entry) => [entry.index, changed.get(entry.index) ?? assignmentOnly(entry)]),
    );
    this.tree.changeTopic(name, { topicId, partitions }, nodeVersion, writes, (error) => {
      if (error !== null) return done(error);
      state.setNodeVersion(name, nodeVersion + 1);
      for (const [index, assignment] of changed) state.setAssignment(name, index, assignment);
      this.takeStates(writes);
      done(null);
    });
  }

  takeStates(writes: readonly StateWrite[]): void {
    for (const { topic, partition, state, expectedVersion } of writes)
      this.parts.state.setPartitionState(topic, partition, state, expectedVersion + 1);
  }

  leadershipOf(topic: string, partition: number, isNew: boolean): LeadershipChange {
    const { topicId, partitions } = this.parts.state.topic(topic)!;
    const { leader, leaderEpoch, isr, partitionEpoch, replicas } = partitions[partition]!;
    return { topic, topicId, partition, leader, leaderEpoch, isr, partitionEpoch, replicas, isNew };
  }

  /** A broker is told of the partitions that it holds. */
  announce(changes: readonly LeadershipChange[]): void {
    const ours = changes.filter(({ replicas }) => replicas.includes(this.parts.nodeId));
    if (ours.length > 0) this.parts.notices.applyLeadership(ours);
  }

  /** What a client is told of a write that failed. */
  faultOf(error: Error, topic: string): TopicFault {
    if (isFenced(error)) {
      this.onFenced();
      return { errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'Another controller has been elected.' };
    }
    const { code } = error as { code?: string };
    if (code === 'NODEEXISTS')
      return { errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: `Topic '${topic}' already exists.` };
    this.parts.log.error('a change of a topic could not be written', { topic, error });
    return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: error.message };
  }

  newUuid(): string {
    return this.parts.random.uuidBytes().toString('base64url');
  }
}

export function assignmentOnly({
  replicas,
  addingReplicas,
  removingReplicas,
}: ReplicaAssignment): ReplicaAssignment {
  return { replicas, addingReplicas, removingReplicas };
}
