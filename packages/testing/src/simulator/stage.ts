import { inspect } from 'node:util';
import type { NewTopic } from '@odradek/client';
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
import type { Fault } from './faults/fault.ts';
import { judgeHistory } from '../history/judge-history.ts';
import type { Outcome } from './outcome.ts';

export interface StageOptions {
  readonly seed: number;
  readonly brokers: number;
  readonly topic: NewTopic & { readonly partitions: number };
  readonly properties?: Properties;
}

/** How long a start, the settling after the last fault, or reading to the end may take, milliseconds. */
const PATIENCE_MS = 60_000;

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
  private readonly topic: NewTopic;

  constructor({ seed, brokers, topic, properties }: StageOptions) {
    this.world = new World(seed);
    this.topic = topic;
    const { trace } = this.world;
    this.problems = new Problems((text) => trace.note(text));
    this.cluster = new SimulatedCluster(this.world, brokers, properties);
    this.replicas = new ReplicaChecker(this.cluster.brokers, this.problems);
    this.group = new GroupChecker(this.problems);
    const { bootstrapServers } = this.cluster;
    this.load = { bootstrapServers, topic: topic.name, partitions: topic.partitions, history: [] };
    for (const broker of this.cluster.brokers) {
      broker.beforePowerReturns = () => {
        for (const name of partitionsExcused(this.world.ensemble, this.cluster.brokers, broker))
          this.excuse(name);
      };
    }
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

  /** Brokers serve and the topic is there. */
  async begin(): Promise<void> {
    this.cluster.startAll();
    await this.within('all brokers serve', () =>
      this.cluster.brokers.every(({ broker }) => broker !== null) ? null : 'some do not',
    );
    let isThere = false;
    void this.cluster.createTopic(this.topic).then(() => (isThere = true));
    await this.within('the topic is there', () => (isThere ? null : 'it is not'));
    await this.within('the cluster is whole', () => unhealed(this.cluster.brokers));
  }

  /** Ends all faults. */
  async heal(): Promise<void> {
    this.world.trace.note('everything is healed');
    this.world.network.unblockAll();
    for (const broker of this.cluster.brokers) broker.heal();
    await this.within('the cluster is whole', () => unhealed(this.cluster.brokers));
  }

  /** Waits until all replicas have the same; nobody may send any more. */
  settle(): Promise<void> {
    return this.within('the cluster settles', () => unsettled(this.cluster.brokers));
  }

  /** Somebody reads everything; then logs and histories are judged. */
  async judge(): Promise<void> {
    const last = new ReadingClient(this.world, this.load, 'last-reader', 99);
    await this.within('the last reader has read all', () => this.unread(last));
    last.stop();
    const { excusedPartitions } = this.replicas;
    checkFinalLogs(this.cluster.brokers, excusedPartitions, this.problems);
    for (const { name, partition, description } of judgeHistory(this.load.history)) {
      if (partition === null || !excusedPartitions.has(partition)) this.problems.add(name, description);
    }
  }

  /** Of a partition of the topic what a reader has not read yet; null: nothing. */
  unread(client: { position(partition: number): number | null }): string | null {
    for (const { replicas } of this.cluster.brokers) {
      for (const { topic, index, isLeader, log } of replicas) {
        if (topic !== this.load.topic || !isLeader || (client.position(index) ?? -1) >= log.logEndOffset)
          continue;
        return `${topic}-${index} is read up to ${client.position(index)} of ${log.logEndOffset}`;
      }
    }
    return null;
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
    await time.runUntil(time.nowMs + patienceMs, () => {
      this.look();
      left = missing();
      return left === null;
    });
    if (left !== null) this.problems.add('not-converged', `${what}: not within ${patienceMs} ms, ${left}`);
  }

  outcome(seed: number, faults: readonly Fault[]): Outcome {
    const { trace, time } = this.world;
    const { all: problems } = this.problems;
    return { seed, faults, problems, traceHash: trace.hash, trace: trace.lines, events: time.events };
  }

  private look(): void {
    this.replicas.check();
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
