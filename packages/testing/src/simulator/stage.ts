import { inspect } from 'node:util';
import type { NewTopic } from '@odradek/client';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import type { Properties } from '@odradek/broker/config/server-properties.ts';
import { partitionsExcused } from './checkers/excuses.ts';
import { checkFinalLogs, unhealed, unsettled } from './checkers/final-state.ts';
import { GroupChecker } from './checkers/group-checker.ts';
import { Problems } from './checkers/problem.ts';
import { ReplicaChecker } from './checkers/replica-checker.ts';
import type { Load } from './clients/load.ts';
import { ReadingClient } from './clients/reading-client.ts';
import { SimulatedCluster } from './cluster/simulated-cluster.ts';
import { World } from './cluster/world.ts';
import { partitionCount, unfinishedBusiness } from './operations/tree-view.ts';
import type { Fault } from './faults/fault.ts';
import { judgeHistory } from '../history/judge-history.ts';
import type { Outcome } from './outcome.ts';

export interface StageOptions {
  readonly seed: number;
  readonly brokers: number;
  /** The topic under load, of which nothing that was acknowledged may be lost. */
  readonly topic: NewTopic & { readonly partitions: number };
  /** Others that are there from the beginning. */
  readonly otherTopics?: readonly NewTopic[];
  /** Of which topics records may be lost: their replicas have to agree all the same. */
  readonly mayLose?: readonly string[];
  readonly properties?: Properties;
}

/** How long a start, the settling after the last fault, or reading to the end may take, milliseconds. */
const PATIENCE_MS = 60_000;
/** The same where something has taken too long before: that is told already. */
const LEFT_PATIENCE_MS = 1_000;
/** Between two looks at what is costly to find out, milliseconds. */
const LOOK_MS = 10;

/**
 * What a run is played on: a cluster with one topic, time that passes, and checkers that look after each event.
 * Whoever plays decides what clients and faults there are, and ends with `settle` and `judge`.
 */
export class Stage {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly problems: Problems;
  readonly group: GroupChecker;
  readonly load: Load;
  private readonly replicas: ReplicaChecker;
  private readonly topics: readonly NewTopic[];
  private readonly mayLose: readonly string[];

  constructor({ seed, brokers, topic, otherTopics = [], mayLose = [], properties }: StageOptions) {
    this.world = new World(seed);
    this.topics = [topic, ...otherTopics];
    this.mayLose = mayLose;
    const { trace } = this.world;
    this.problems = new Problems((text) => trace.note(text));
    this.cluster = new SimulatedCluster(this.world, brokers, properties);
    const { ensemble } = this.world;
    this.replicas = new ReplicaChecker(this.cluster.brokers, this.problems, {
      version: () => ensemble.version,
      mayLose: (name) => mayLose.includes(name) || ensemble.stat(treePaths.deleteTopic(name)) !== null,
    });
    this.group = new GroupChecker(this.problems, topic.name);
    this.load = this.loadOf(topic);
    for (const broker of this.cluster.brokers) {
      broker.beforePowerReturns = () => {
        for (const name of partitionsExcused(this.world.ensemble, this.cluster.brokers, broker))
          this.excuse(name);
      };
    }
  }

  /** What clients of a topic work on. */
  loadOf(topic: NewTopic & { readonly partitions: number }): Load {
    const { ensemble } = this.world;
    return {
      bootstrapServers: this.cluster.bootstrapServers,
      topic: topic.name,
      get partitions() {
        return Math.max(topic.partitions, partitionCount(ensemble, topic.name));
      },
      history: [],
    };
  }

  /** Plays, and makes a problem of whatever goes wrong in an unforeseen way. */
  async play(action: () => Promise<void>): Promise<void> {
    const rejected = (error: unknown) =>
      this.problems.add('defect', `a promise nobody waited for: ${inspect(error)}`);
    process.on('unhandledRejection', rejected);
    try {
      await action();
    } catch (error) {
      this.problems.add('defect', inspect(error));
    } finally {
      process.off('unhandledRejection', rejected);
    }
  }

  /** Brokers serve and the topics are there. */
  async begin(): Promise<void> {
    this.cluster.startAll();
    await this.within('all brokers serve', () =>
      this.cluster.brokers.every(({ broker }) => broker !== null) ? null : 'some do not',
    );
    let missing = this.topics.length;
    for (const topic of this.topics) {
      void this.cluster.administrator.createTopic(topic).then(() => (missing -= 1));
    }
    await this.within('the topics are there', () => (missing === 0 ? null : `${missing} are not`));
    await this.within(
      'the cluster is whole',
      this.nowAndThen(() => unhealed(this.cluster.brokers)),
    );
  }

  /** Ends all faults. */
  async heal(): Promise<void> {
    this.world.trace.note('everything is healed');
    this.world.network.unblockAll();
    for (const broker of this.cluster.brokers) broker.heal();
    const { brokers, administrator } = this.cluster;
    await this.within('the administrator has his answers', () =>
      administrator.isDone ? null : 'he has not',
    );
    await this.within('what he began is finished', () => unfinishedBusiness(this.world.ensemble));
    await this.within(
      'the cluster is whole',
      this.nowAndThen(() => unhealed(brokers)),
    );
  }

  /** Waits until all replicas have the same; nobody may send any more. */
  settle(): Promise<void> {
    return this.within(
      'the cluster settles',
      this.nowAndThen(() => unsettled(this.cluster.brokers)),
    );
  }

  /** Somebody reads everything; then logs and histories are judged. */
  async judge(): Promise<void> {
    const last = new ReadingClient(this.world, this.load, { name: 'last-reader', number: 99 });
    await this.within(
      'the last reader has read all',
      this.nowAndThen(() => this.unread(last)),
    );
    last.stop();
    checkFinalLogs(
      this.cluster.brokers,
      (partition) => this.isExcused(partition) || this.mayLose.includes(partition.replace(/-\d+$/, '')),
      this.problems,
    );
    for (const { name, partition, description } of judgeHistory(this.load.history)) {
      if (partition === null || !this.isExcused(partition)) this.problems.add(name, description);
    }
  }

  /** For what is costly to find out: in between the last answer counts. */
  nowAndThen(missing: () => string | null): () => string | null {
    const { time } = this.world;
    let lookedMs = -Infinity;
    let answer: string | null = null;
    return () => {
      if (time.nowMs - lookedMs < LOOK_MS) return answer;
      lookedMs = time.nowMs;
      answer = missing();
      return answer;
    };
  }

  /** Of a partition of a topic what a reader has not read yet; null: nothing. */
  unread(client: { position(partition: number): number | null }, of = this.load.topic): string | null {
    for (const { replicas } of this.cluster.brokers) {
      for (const { topic, index, isLeader, log } of replicas) {
        const position = client.position(index) ?? -1;
        if (topic !== of || !isLeader || position >= log.logEndOffset) continue;
        return `${topic}-${index} is read up to ${position} of ${log.logEndOffset}`;
      }
    }
    return null;
  }

  /** Whether a partition may have lost committed records, by what befell its replicas. */
  isExcused(partition: string): boolean {
    return this.replicas.excusedPartitions.has(partition);
  }

  /** When a topic was made, on the clock of histories. */
  madeMs(topic: string): number {
    const { ctimeMs } = this.world.ensemble.stat(treePaths.topic(topic))!;
    return this.world.ensemble.elapsedMs(ctimeMs);
  }

  passes(ms: number): Promise<void> {
    const { time } = this.world;
    return time.runUntil(time.nowMs + ms, () => {
      this.look();
      return false;
    });
  }

  /** Time passes until nothing is missing any more; that it takes too long is a problem. */
  async within(what: string, missing: () => string | null, patienceMs = PATIENCE_MS): Promise<void> {
    const { time } = this.world;
    let left: string | null = missing();
    if (left === null) return;
    const waitMs = this.problems.has('not-converged') ? LEFT_PATIENCE_MS : patienceMs;
    await time.runUntil(time.nowMs + waitMs, () => {
      this.look();
      left = missing();
      return left === null;
    });
    if (left !== null) this.problems.add('not-converged', `${what}: not within ${waitMs} ms, ${left}`);
  }

  outcome(seed: number, faults: readonly Fault[]): Outcome {
    const { trace, time } = this.world;
    const { all: problems } = this.problems;
    const { events, nowMs: livedMs } = time;
    return { seed, faults, problems, traceHash: trace.hash, trace: trace.lines, events, livedMs };
  }

  private look(): void {
    this.world.isObserved = true;
    this.replicas.check();
    this.world.isObserved = false;
    for (const broker of this.cluster.brokers) if (broker.hasLostPower) this.noteRecovery(broker.nodeId);
  }

  /** Once it is in sync everywhere it has all again, and another one may lose its power. */
  private noteRecovery(nodeId: number): void {
    const { brokers } = this.cluster;
    const own = this.cluster.broker(nodeId);
    if (own.replicas.length === 0) return;
    const led = brokers.flatMap(({ replicas }) => replicas.filter(({ isLeader }) => isLeader));
    const isBack = own.replicas.every(({ topic, index }) =>
      led.some((leader) => leader.topic === topic && leader.index === index && leader.isr.includes(nodeId)),
    );
    if (isBack) own.hasLostPower = false;
  }

  private excuse(partition: string): void {
    this.world.trace.note(`${partition} may lose records: its last in-sync replica has lost its power`);
    this.replicas.excuse(partition);
    this.group.excuse(partition);
  }
}
