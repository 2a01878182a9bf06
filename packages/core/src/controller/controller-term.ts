import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Coordination, Watch } from '../ports/coordination.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Random } from '../ports/random.ts';
import { Announcements, type AnnouncedPartition, type BrokenReplica } from './announcements.ts';
import type { BrokerChannels } from './broker-channels.ts';
import type { Ended } from './callback-flow.ts';
import type { LoadSource } from './cluster-load.ts';
import type { ClusterState, TopicEntry } from './cluster-state.ts';
import { isFenced, type ControllerTree, type StateWrite } from './controller-tree.ts';
import type { ReplicaAssignment } from './topic-node.ts';
import type { TopicDefaults, TopicFault } from './topic-request.ts';

/** What the controller tells the broker it runs in, beside what it tells all brokers. */
export interface BrokerNotices {
  /** The settings of a topic before its first partition is announced, and null once it is gone. */
  topicSettings(topic: string, settings: ReadonlyMap<string, string> | null): void;
}

/** How topic settings are judged. */
export interface TopicSettingRules {
  /** What is wrong with the settings of a new topic, or null. */
  fault(settings: ReadonlyMap<string, string>): string | null;
  /** unclean.leader.election.enable as it holds for a topic. */
  allowsUncleanElection(topic: string): boolean;
}

/** When leaders are moved back to their preferred brokers; read at each round. */
export interface BalanceSettings {
  /** auto.leader.rebalance.enable */
  readonly isEnabled: boolean;
  /** leader.imbalance.check.interval.seconds, as milliseconds */
  readonly intervalMs: number;
  /** leader.imbalance.per.broker.percentage: so many of a broker's preferred partitions others may lead. */
  readonly toleratedPercent: number;
}

export interface ControllerParts {
  readonly nodeId: number;
  readonly coordination: Coordination;
  readonly state: ClusterState;
  readonly channels: BrokerChannels;
  readonly notices: BrokerNotices;
  readonly settings: TopicSettingRules;
  /** Read for each request: the broker's settings may change. */
  readonly defaults: () => TopicDefaults;
  readonly balance: () => BalanceSettings;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: LogSink;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Called within a term when something happened that ends it or that it has to act on. */
export interface TermEvents {
  /** Another controller has been elected: the term is over. */
  fenced(): void;
  /** The tree may differ from what is known here: a write failed whose outcome nobody knows, or that found another state. */
  doubtful(error: Error): void;
  /** Brokers cannot hold some of their replicas. */
  broken(replicas: readonly BrokenReplica[]): void;
  /** The node of a topic has been written, by this controller or by another program. */
  topicNodeChanged(topic: string): void;
}

/**
 * The time in which one broker is the controller, and what all its decisions need: write to the tree, then take
 * over what was written, then tell the brokers.
 */
export class ControllerTerm {
  readonly parts: ControllerParts;
  readonly epoch: number;
  readonly tree: ControllerTree;
  readonly announcements: Announcements;
  /** Brokers that have asked to be relieved and are still there. */
  readonly stopping = new Set<number>();
  /** Topics that are marked for deletion and not gone yet. */
  readonly deletions = new Set<string>();
  /** Replicas that a node below /admin asks for, by topic and partition, of moves that have begun. */
  readonly askedMoves = new Map<string, string>();
  private readonly events: TermEvents;
  private readonly brokenReplicas = new Set<string>();

  constructor(parts: ControllerParts, epoch: number, tree: ControllerTree, events: TermEvents) {
    this.parts = parts;
    this.epoch = epoch;
    this.tree = tree;
    this.events = events;
    this.announcements = new Announcements(parts.channels, parts.state, epoch, (replicas) =>
      events.broken(replicas),
    );
  }

  /** Where this term reads topics from, so that it is told when their nodes change. */
  get source(): LoadSource {
    const { coordination, log } = this.parts;
    return {
      coordination,
      log,
      newTopicId: () => this.newUuid(),
      topicNodeWatch: (topic) => this.topicNodeWatch(topic),
    };
  }

  /** Fires once; whoever reads the node then watches anew. */
  topicNodeWatch(topic: string): Watch {
    return ({ type }) => {
      if (type !== 'deleted') this.events.topicNodeChanged(topic);
    };
  }

  /** Whether a broker can hold a partition: it is alive, and the disk of its replica works. */
  isAvailable(brokerId: number, topic: string, partition: number): boolean {
    return this.parts.state.isLive(brokerId) && !this.brokenReplicas.has(`${brokerId} ${topic} ${partition}`);
  }

  markBroken({ brokerId, topic, partition }: BrokenReplica): void {
    this.brokenReplicas.add(`${brokerId} ${topic} ${partition}`);
  }

  /** A broker is there in a new life: its disks may work again, and it is not about to stop. */
  forgetTroubleOf(brokerId: number): void {
    this.stopping.delete(brokerId);
    for (const key of this.brokenReplicas) {
      if (key.startsWith(`${brokerId} `)) this.brokenReplicas.delete(key);
    }
  }

  /** Writes states, takes those that were written and tells the brokers. */
  changeStates(
    writes: readonly StateWrite[],
    done: (error: Error | null, written: readonly StateWrite[]) => void,
  ): void {
    this.tree.writeStates(writes, (error, written) => {
      if (error !== null) this.noteFailure(error);
      this.takeStates(written);
      this.announcements.leadership(written.map((write) => ({ ...write, isNew: write.expectedVersion < 0 })));
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
      if (error !== null) {
        this.noteFailure(error);
        return done(error);
      }
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

  announce(partitions: readonly AnnouncedPartition[]): void {
    this.announcements.leadership(partitions);
  }

  /** A write of what this term knows did not succeed. */
  noteFailure(error: Error): void {
    if (isFenced(error)) this.events.fenced();
    else this.events.doubtful(error);
  }

  /** What a client is told of a write that failed. */
  faultOf(error: Error, topic: string): TopicFault {
    if (isFenced(error)) {
      this.events.fenced();
      return { errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'Another controller has been elected.' };
    }
    const { code } = error as { code?: string };
    if (code === 'NODEEXISTS')
      return { errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: `Topic '${topic}' already exists.` };
    if (code === 'CONNECTIONLOSS') {
      this.events.doubtful(error);
      const errorMessage =
        'The connection to the coordination tree was lost: whether it was done is not known yet.';
      return { errorCode: ErrorCode.REQUEST_TIMED_OUT, errorMessage };
    }
    if (code === 'BADVERSION' || code === 'NONODE') {
      this.events.doubtful(error);
      const errorMessage = 'The coordination tree holds something else than the controller knew.';
      return { errorCode: ErrorCode.NOT_CONTROLLER, errorMessage };
    }
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
