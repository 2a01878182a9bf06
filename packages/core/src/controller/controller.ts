import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Random } from '../ports/random.ts';
import type { LeadershipChange } from '../replication/leadership.ts';
import { allOf, inOrder, TaskQueue, type Ended } from './callback-flow.ts';
import { loadCluster, type LoadedCluster } from './cluster-load.ts';
import type { ClusterState, TopicEntry } from './cluster-state.ts';
import { electController } from './controller-election.ts';
import { ControllerTree, isFenced, type StateWrite } from './controller-tree.ts';
import { electForOffline, electPreferred, initialState } from './partition-election.ts';
import { NO_LEADER } from './partition-state-node.ts';
import { judgeReassignment, type ReassignmentVerdict } from './reassignment.ts';
import { topicCollisionKey } from './topic-name.ts';
import { statesAtStartOfTerm } from './start-of-term.ts';
import { assignmentOf, type ReplicaAssignment } from './topic-node.ts';
import {
  isFault,
  PARTITIONS_PER_REQUEST_MAX,
  planGrowth,
  planTopic,
  type CreationContext,
  type TopicCreation,
  type TopicDefaults,
  type TopicFault,
  type TopicGrowth,
  type TopicPlan,
} from './topic-request.ts';

/** What the controller tells the broker it runs in, once the tree holds it. */
export interface BrokerNotices {
  /** The settings of a topic before its first partition is announced, and null once it is gone. */
  topicSettings(topic: string, settings: ReadonlyMap<string, string> | null): void;
  applyLeadership(changes: readonly LeadershipChange[]): void;
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

/** What came of one topic of a request; a fault, or what it is or would be now. */
export type TopicOutcome =
  | TopicFault
  | { readonly topicId: string; readonly partitionCount: number; readonly replicationFactor: number };

export interface ElectionOutcome extends TopicPartition {
  /** Null: a leader was elected. */
  readonly fault: TopicFault | null;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export type ElectionType = 'preferred' | 'unclean';

/**
 * The one broker that decides about topics and leaders. All it decides is in the tree before anybody is told of it,
 * and one thing is done at a time. What a crash cuts off is finished when the next term starts.
 */
export class Controller {
  private readonly parts: ControllerParts;
  private readonly tasks = new TaskQueue();
  private tree: ControllerTree | null = null;
  private epoch = -1;

  constructor(parts: ControllerParts) {
    this.parts = parts;
    parts.coordination.onSession((state) => {
      if (state === 'expired') this.resign('the session with the coordination tree has expired');
    });
  }

  get isActive(): boolean {
    return this.tree !== null;
  }

  /**
   * Runs for controller, reads the cluster, finishes what an earlier term left open, elects leaders and tells the
   * broker of its partitions. Fails when another broker is the controller.
   */
  start(done: Ended): void {
    const { coordination, nodeId, clock, state } = this.parts;
    electController(coordination, nodeId, clock.now(), (error, term) => {
      if (error !== null) return done(error);
      if (term!.won === null)
        return done(new Error(`broker ${term!.controllerId} is the controller of this coordination tree`));
      const { epoch, epochVersion } = term!.won;
      const newTopicId = () => this.newUuid();
      loadCluster(coordination, state, newTopicId, (failure, loaded) => {
        if (failure !== null) return done(failure);
        this.epoch = epoch;
        this.tree = new ControllerTree(coordination, epochVersion);
        state.controllerId = nodeId;
        this.beginTerm(this.tree, loaded, done);
      });
    });
  }

  private beginTerm(tree: ControllerTree, loaded: LoadedCluster, done: Ended): void {
    const { state, settings } = this.parts;
    inOrder(
      [
        (next) => this.writeMissingIds(tree, loaded, next),
        (next) => {
          const writes = statesAtStartOfTerm(state, loaded, this.epoch, settings.allowsUncleanElection);
          tree.writeStates(writes, (error, written) => {
            for (const write of written) this.takeState(write);
            next(error);
          });
        },
        (next) => {
          this.announceAll(loaded);
          allOf([...loaded.deletions], (topic, ended) => this.finishDeletion(tree, topic, ended), next);
        },
      ],
      done,
    );
  }

  private writeMissingIds(tree: ControllerTree, loaded: LoadedCluster, done: Ended): void {
    allOf(
      [...loaded.withoutId],
      (name, next) => this.rewriteTopic(tree, this.parts.state.topic(name)!, new Map(), [], next),
      done,
    );
  }

  private announceAll(loaded: LoadedCluster): void {
    const changes: LeadershipChange[] = [];
    for (const topic of this.parts.state.topics()) {
      for (const { index } of topic.partitions) changes.push(this.leadershipOf(topic.name, index, false));
    }
    this.announce(changes);
    this.parts.log.info('became the controller', {
      epoch: this.epoch,
      topics: this.parts.state.topicCount,
      partitions: changes.length,
      deletionsToFinish: loaded.deletions.size,
    });
  }

  /** Creates topics, or only says what would come of it. One outcome per topic, by its name. */
  createTopics(
    creations: readonly TopicCreation[],
    validateOnly: boolean,
    done: (outcomes: Map<string, TopicOutcome>) => void,
  ): void {
    this.run(
      (tree, ended) => {
        const outcomes = new Map<string, TopicOutcome>();
        const plans = this.planAll(creations, outcomes);
        const finish = () => {
          ended();
          done(outcomes);
        };
        if (validateOnly || plans.length === 0) return finish();
        allOf(plans, (plan, next) => this.createTopic(tree, plan, outcomes, next), finish);
      },
      (fault) => done(new Map(creations.map(({ name }) => [name, fault]))),
    );
  }

  private planAll(creations: readonly TopicCreation[], outcomes: Map<string, TopicOutcome>): TopicPlan[] {
    const plans: TopicPlan[] = [];
    let partitionsLeft = PARTITIONS_PER_REQUEST_MAX;
    for (const creation of creations) {
      const context: CreationContext = {
        state: this.parts.state,
        defaults: this.parts.defaults(),
        fraction: () => this.parts.random.fraction(),
        settingsFault: this.parts.settings.fault,
        partitionsLeft,
      };
      const plan = planTopic(creation, context);
      if (isFault(plan)) {
        outcomes.set(creation.name, plan);
        continue;
      }
      partitionsLeft -= plan.replicas.length;
      plans.push(plan);
      outcomes.set(creation.name, outcomeOf(plan, this.newUuid()));
    }
    return withoutCollisions(plans, outcomes);
  }

  private createTopic(
    tree: ControllerTree,
    plan: TopicPlan,
    outcomes: Map<string, TopicOutcome>,
    done: Ended,
  ): void {
    const { name } = plan;
    const { topicId } = outcomes.get(name) as { topicId: string };
    const assignments = plan.replicas.map(assignmentOf);
    const states = this.initialStates(name, 0, assignments);
    const node = { topicId, partitions: new Map(assignments.entries()) };
    tree.createTopic(name, node, plan.settings, states, (error) => {
      if (error === null) {
        this.parts.state.addTopic(name, topicId, 0);
        this.parts.notices.topicSettings(name, plan.settings);
        this.takePartitions(name, 0, assignments, states);
      } else {
        outcomes.set(name, this.faultOf(error, name));
      }
      done(null);
    });
  }

  /** Adds partitions to topics, or only says what would come of it. Null: done. */
  growTopics(
    growths: readonly TopicGrowth[],
    validateOnly: boolean,
    done: (outcomes: Map<string, TopicFault | null>) => void,
  ): void {
    this.run(
      (tree, ended) => {
        const outcomes = new Map<string, TopicFault | null>();
        let partitionsLeft = PARTITIONS_PER_REQUEST_MAX;
        const plans: { name: string; replicas: readonly (readonly number[])[] }[] = [];
        for (const growth of growths) {
          const replicas = planGrowth(growth, this.parts.state, partitionsLeft);
          outcomes.set(growth.name, isFault(replicas) ? replicas : null);
          if (isFault(replicas)) continue;
          partitionsLeft -= replicas.length;
          plans.push({ name: growth.name, replicas });
        }
        const finish = () => {
          ended();
          done(outcomes);
        };
        if (validateOnly) return finish();
        allOf(
          plans,
          ({ name, replicas }, next) => this.growTopic(tree, name, replicas, outcomes, next),
          finish,
        );
      },
      (fault) => done(new Map(growths.map(({ name }) => [name, fault]))),
    );
  }

  private growTopic(
    tree: ControllerTree,
    name: string,
    replicas: readonly (readonly number[])[],
    outcomes: Map<string, TopicFault | null>,
    done: Ended,
  ): void {
    const topic = this.parts.state.topic(name)!;
    const added = replicas.map(assignmentOf);
    const first = topic.partitions.length;
    const states = this.initialStates(name, first, added);
    const all = [...topic.partitions.map(assignmentOnly), ...added];
    const node = { topicId: topic.topicId, partitions: new Map(all.entries()) };
    tree.growTopic(name, node, topic.nodeVersion, states, (error) => {
      if (error === null) {
        this.parts.state.setNodeVersion(name, topic.nodeVersion + 1);
        this.takePartitions(name, first, added, states);
      } else {
        outcomes.set(name, this.faultOf(error, name));
      }
      done(null);
    });
  }

  private initialStates(
    topic: string,
    first: number,
    assignments: readonly ReplicaAssignment[],
  ): StateWrite[] {
    return assignments.flatMap(({ replicas }, i) => {
      const state = initialState(replicas, this.parts.state.isLive, this.epoch);
      return state === null ? [] : [{ topic, partition: first + i, state, expectedVersion: -1 }];
    });
  }

  /** New partitions are in the tree: takes them into the state and tells the broker. */
  private takePartitions(
    topic: string,
    first: number,
    assignments: readonly ReplicaAssignment[],
    states: readonly StateWrite[],
  ): void {
    const { state } = this.parts;
    for (const [i, assignment] of assignments.entries()) state.setAssignment(topic, first + i, assignment);
    for (const write of states) state.setPartitionState(topic, write.partition, write.state, 0);
    this.announce(states.map(({ partition }) => this.leadershipOf(topic, partition, true)));
  }

  /** Deletes topics with their records. Null: done. */
  deleteTopics(names: readonly string[], done: (outcomes: Map<string, TopicFault | null>) => void): void {
    this.run(
      (tree, ended) => {
        const outcomes = new Map<string, TopicFault | null>();
        allOf(
          names,
          (name, next) => {
            this.deleteTopic(tree, name, (fault) => {
              outcomes.set(name, fault);
              next(null);
            });
          },
          () => {
            ended();
            done(outcomes);
          },
        );
      },
      (fault) => done(new Map(names.map((name) => [name, fault]))),
    );
  }

  private deleteTopic(tree: ControllerTree, name: string, done: (fault: TopicFault | null) => void): void {
    if (this.parts.state.topic(name) === undefined) {
      const errorMessage = `The topic '${name}' does not exist.`;
      return done({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage });
    }
    tree.markForDeletion(name, (error) => {
      if (error !== null) return done(this.faultOf(error, name));
      this.finishDeletion(tree, name, (failure) => done(failure && this.faultOf(failure, name)));
    });
  }

  /** The mark is in the tree: the records go first, then the nodes, so that a cut leaves the mark. */
  private finishDeletion(tree: ControllerTree, name: string, done: Ended): void {
    const { state, notices } = this.parts;
    const topic = state.topic(name);
    if (topic === undefined) return tree.unmark(name, done);
    notices.stopPartitions(
      topic.partitions.map(({ index }) => ({ topic: name, partition: index, deleteLog: true })),
    );
    tree.removeTopic(name, (error) => {
      if (error !== null) return done(error);
      state.removeTopic(name);
      notices.topicSettings(name, null);
      this.parts.log.info('deleted a topic', { topic: name, topicId: topic.topicId });
      done(null);
    });
  }

  /** Elects leaders on demand (KIP-183, KIP-460); one outcome per partition, in the order asked for. */
  electLeaders(
    type: ElectionType,
    partitions: readonly TopicPartition[],
    done: (outcomes: ElectionOutcome[]) => void,
  ): void {
    this.run(
      (tree, ended) => {
        const verdicts = partitions.map((partition) => this.judgeElection(type, partition));
        const writes = verdicts.filter((verdict): verdict is StateWrite => !isFault(verdict));
        this.changeStates(tree, writes, (error, written) => {
          ended();
          done(
            verdicts.map((verdict, i) => {
              const { topic, partition } = partitions[i]!;
              if (isFault(verdict)) return { topic, partition, fault: verdict };
              return {
                topic,
                partition,
                fault: written.includes(verdict) ? null : this.faultOf(error!, topic),
              };
            }),
          );
        });
      },
      (fault) => done(partitions.map(({ topic, partition }) => ({ topic, partition, fault }))),
    );
  }

  private judgeElection(type: ElectionType, { topic, partition }: TopicPartition): StateWrite | TopicFault {
    const { state } = this.parts;
    const entry = state.topic(topic)?.partitions[partition];
    if (entry === undefined) {
      const errorMessage = `There is no partition ${topic}-${partition}.`;
      return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
    }
    const hasLeader = entry.leader !== NO_LEADER && state.isLive(entry.leader);
    const isSettled = type === 'preferred' ? entry.leader === entry.replicas[0] && hasLeader : hasLeader;
    if (isSettled) {
      const errorMessage = `Broker ${entry.leader} leads the partition already.`;
      return { errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage };
    }
    const { replicas, partitionEpoch } = entry;
    const input = { state: entry, replicas, isLive: state.isLive, controllerEpoch: this.epoch };
    const next = type === 'preferred' ? electPreferred(input) : electForOffline(input, true);
    if (next !== null) return { topic, partition, state: next, expectedVersion: partitionEpoch };
    return type === 'preferred'
      ? {
          errorCode: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
          errorMessage: `The preferred leader ${replicas[0]} is not alive or not in sync.`,
        }
      : {
          errorCode: ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
          errorMessage: 'None of the replicas is alive.',
        };
  }

  /** Moves a partition (KIP-455), as far as no records have to be copied. Null: done, or nothing to do. */
  reassign(
    { topic: name, partition }: TopicPartition,
    target: readonly number[] | null,
    done: (fault: TopicFault | null) => void,
  ): void {
    this.run((tree, ended) => {
      const finish = (fault: TopicFault | null) => {
        ended();
        done(fault);
      };
      const topic = this.parts.state.topic(name);
      const entry = topic?.partitions[partition];
      if (topic === undefined || entry === undefined) {
        const errorMessage = `There is no partition ${name}-${partition}.`;
        return finish({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage });
      }
      const verdict = judgeReassignment(entry, target, this.parts.state, this.epoch);
      if (verdict.kind === 'refused') return finish(verdict.fault);
      if (verdict.kind === 'nothing to do') return finish(null);
      this.completeReassignment(tree, topic, partition, verdict, (error) =>
        finish(error && this.faultOf(error, name)),
      );
    }, done);
  }

  private completeReassignment(
    tree: ControllerTree,
    topic: TopicEntry,
    partition: number,
    verdict: ReassignmentVerdict & { kind: 'complete' },
    done: Ended,
  ): void {
    const { partitionEpoch, replicas } = topic.partitions[partition]!;
    const writes =
      verdict.state === null
        ? []
        : [{ topic: topic.name, partition, state: verdict.state, expectedVersion: partitionEpoch }];
    this.rewriteTopic(tree, topic, new Map([[partition, verdict.assignment]]), writes, (error) => {
      if (error !== null) return done(error);
      this.announce(writes.map(() => this.leadershipOf(topic.name, partition, false)));
      const isOurs = (ids: readonly number[]) => ids.includes(this.parts.nodeId);
      if (isOurs(replicas) && !isOurs(verdict.assignment.replicas))
        this.parts.notices.stopPartitions([{ topic: topic.name, partition, deleteLog: true }]);
      done(null);
    });
  }

  private rewriteTopic(
    tree: ControllerTree,
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
    tree.changeTopic(name, { topicId, partitions }, nodeVersion, writes, (error) => {
      if (error !== null) return done(error);
      state.setNodeVersion(name, nodeVersion + 1);
      for (const [index, assignment] of changed) state.setAssignment(name, index, assignment);
      for (const write of writes) this.takeState(write);
      done(null);
    });
  }

  /** Writes states, takes those that were written and tells the broker. */
  private changeStates(
    tree: ControllerTree,
    writes: readonly StateWrite[],
    done: (error: Error | null, written: readonly StateWrite[]) => void,
  ): void {
    tree.writeStates(writes, (error, written) => {
      for (const write of written) this.takeState(write);
      this.announce(written.map(({ topic, partition }) => this.leadershipOf(topic, partition, false)));
      done(error, written);
    });
  }

  private takeState({ topic, partition, state, expectedVersion }: StateWrite): void {
    this.parts.state.setPartitionState(topic, partition, state, expectedVersion + 1);
  }

  private leadershipOf(topic: string, partition: number, isNew: boolean): LeadershipChange {
    const { topicId, partitions } = this.parts.state.topic(topic)!;
    const { leader, leaderEpoch, isr, replicas } = partitions[partition]!;
    return { topic, topicId, partition, leader, leaderEpoch, isr, replicas, isNew };
  }

  /** A broker is told of the partitions that it holds. */
  private announce(changes: readonly LeadershipChange[]): void {
    const ours = changes.filter(({ replicas }) => replicas.includes(this.parts.nodeId));
    if (ours.length > 0) this.parts.notices.applyLeadership(ours);
  }

  /** One task at a time, and only while this broker is the controller. */
  private run(
    task: (tree: ControllerTree, ended: () => void) => void,
    refuse: (fault: TopicFault) => void,
  ): void {
    this.tasks.run((ended) => {
      if (this.tree !== null) return task(this.tree, ended);
      ended();
      const errorMessage = 'This broker is not the controller.';
      refuse({ errorCode: ErrorCode.NOT_CONTROLLER, errorMessage });
    });
  }

  private faultOf(error: Error, topic: string): TopicFault {
    if (isFenced(error)) {
      this.resign('another controller has been elected');
      return { errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'Another controller has been elected.' };
    }
    const { code } = error as { code?: string };
    if (code === 'NODEEXISTS')
      return { errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: `Topic '${topic}' already exists.` };
    this.parts.log.error('a change of a topic could not be written', { topic, error });
    return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: error.message };
  }

  private resign(reason: string): void {
    if (this.tree === null) return;
    this.tree = null;
    this.parts.state.controllerId = -1;
    this.parts.log.warn('ceased to be the controller', { reason, epoch: this.epoch });
  }

  private newUuid(): string {
    return this.parts.random.uuidBytes().toString('base64url');
  }
}

function assignmentOnly({
  replicas,
  addingReplicas,
  removingReplicas,
}: ReplicaAssignment): ReplicaAssignment {
  return { replicas, addingReplicas, removingReplicas };
}

function outcomeOf(plan: TopicPlan, topicId: string): TopicOutcome {
  return {
    topicId,
    partitionCount: plan.replicas.length,
    replicationFactor: plan.replicas[0]!.length,
  };
}

/** Of the new names that collide with each other the first is kept. */
function withoutCollisions(plans: readonly TopicPlan[], outcomes: Map<string, TopicOutcome>): TopicPlan[] {
  const names = new Map<string, string>();
  return plans.filter(({ name }) => {
    const key = topicCollisionKey(name);
    const other = names.get(key);
    if (other === undefined) {
      names.set(key, name);
      return true;
    }
    const errorMessage = `Topic '${name}' collides with the topic ${other} of the same request.`;
    outcomes.set(name, { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage });
    return false;
  });
}
