import { startZookeeper, type RunningZookeeper } from '../../scripts/zookeeper.ts';
import { runOwnLoad } from '../broker/run-generator.ts';
import { batchOf } from '../load/frames.ts';
import type { LoadResult } from '../load/load-spec.ts';
import { pinningOf, wordsOf, type Pinning } from '../pinning.ts';
import { metricsOf, type Metrics } from '../report/metrics.ts';
import { Results } from '../report/results.ts';
import { runSteps, type Step } from '../schedule.ts';
import { createTopic, reassign, type Assignment } from './administration.ts';
import { BenchCluster, BROKER_IDS, clusterPeers, SESSION_MS } from './bench-cluster.ts';
import { clusterTargets, FULL_LOAD, type ClusterExperiment } from './experiments.ts';
import { controllerFailsOver, leaderDies, leaderStops } from './failures.ts';
import { untilSettled } from '../load/warm-up.ts';

export interface ClusterPlan {
  readonly experiments: readonly ClusterExperiment[];
  readonly peers: readonly string[];
  /** Of loads; failures get two at most, and what is about thousands of partitions one. */
  readonly rounds: number;
  readonly measureMs: number;
  readonly minutes: number;
  /** In place of all counts of partitions, for a try. */
  readonly partitions: number | undefined;
  readonly isPinned: boolean;
  readonly name: string;
  readonly isResumed: boolean;
}

const RECORD_BYTES = 1024;
const IN_FLIGHT = 5;
const WARM_UP_MS = 700;
/** Each takes a session time-out and some starts of a JVM. */
const FAILURES: readonly ClusterExperiment['kind'][] = ['shutdown', 'leader-killed', 'controller-killed'];
const FAILURE_ROUNDS = 2;
const ONCE: readonly ClusterExperiment['kind'][] = ['create', 'move', 'controller-failover'];

/** Three brokers beside three of Apache Kafka with one ZooKeeper. */
export class ClusterSuite {
  private readonly plan: ClusterPlan;
  private readonly pinning: Pinning;
  private readonly deadlineMs: number;
  private readonly results: Results;
  private readonly clusters = new Map<string, BenchCluster>();
  private zookeeper: RunningZookeeper | null = null;
  private topicsMade = 0;

  constructor(plan: ClusterPlan) {
    this.plan = plan;
    this.pinning = pinningOf(plan.isPinned);
    this.deadlineMs = performance.now() + plan.minutes * 60_000;
    this.results = new Results({
      name: plan.name,
      title: 'Three brokers of Odradek beside three of Apache Kafka',
      peers: plan.peers,
      experiments: plan.experiments,
      targets: clusterTargets.filter(({ workload }) =>
        plan.experiments.some(({ name }) => name === workload),
      ),
      facts: {
        ...Object.fromEntries(plan.peers.map((name) => [name, clusterPeers[name]!])),
        zookeeper: `one server for all, session time-out ${SESSION_MS / 1000} s`,
        pinning: wordsOf(this.pinning).replace('the broker', 'all brokers'),
        rounds: `at most ${plan.rounds} of loads, ${FAILURE_ROUNDS} of failures, 1 of what is about thousands of partitions, ${plan.minutes} minutes in all; the peers in turn within each; ${plan.measureMs / 1000} s per load and peer; medians, and medians of the ratios within a round`,
      },
      isResumed: plan.isResumed,
    });
  }

  /** @returns the tables */
  async run(): Promise<string> {
    const { peers } = this.plan;
    try {
      this.zookeeper = await startZookeeper();
      for (const name of peers) {
        this.clusters.set(name, await BenchCluster.start(name, this.zookeeper, this.pinning.brokerCore));
      }
      await runSteps(this.steps(), this.deadlineMs, this.results);
    } finally {
      await this.stop();
    }
    return this.results.text();
  }

  /** Ends the brokers: they are processes of their own and would outlive us. */
  async stop(): Promise<void> {
    for (const cluster of this.clusters.values()) await cluster.stop();
    this.clusters.clear();
    await this.zookeeper?.stop();
    this.zookeeper = null;
  }

  /**
   * Loads come first, in all their rounds: a broker that was stopped is cold again. What leaves thousands of partitions
   * behind comes last: their replicas go on fetching.
   */
  private steps(): Step[] {
    const { experiments } = this.plan;
    const failures = experiments.filter(({ kind }) => FAILURES.includes(kind));
    const lasting = experiments.filter(({ kind }) => ONCE.includes(kind));
    const loads = experiments.filter((each) => !failures.includes(each) && !lasting.includes(each));
    return [loads, failures, lasting].flatMap((stage) =>
      Array.from({ length: this.plan.rounds }, (_, round) =>
        stage
          .filter(({ kind }) => round < this.roundsOf(kind))
          .map((experiment) => this.step(experiment, round)),
      ).flat(),
    );
  }

  private roundsOf(kind: ClusterExperiment['kind']): number {
    if (kind === 'warm-up' || ONCE.includes(kind)) return 1;
    return FAILURES.includes(kind) ? Math.min(FAILURE_ROUNDS, this.plan.rounds) : this.plan.rounds;
  }

  private step(experiment: ClusterExperiment, round: number): Step {
    return {
      workload: experiment.name,
      round,
      peers: this.plan.peers,
      run: (peer) => this.measure(experiment, this.clusters.get(peer)!),
    };
  }

  private async measure(experiment: ClusterExperiment, cluster: BenchCluster): Promise<Metrics> {
    switch (experiment.kind) {
      case 'warm-up':
        return this.warmUp(cluster, experiment.batchBytes);
      case 'produce': {
        const { batchBytes, connections } = experiment;
        return metricsOf(
          'produce',
          await this.produce(cluster, batchBytes, connections, this.plan.measureMs),
        );
      }
      case 'latency':
        return metricsOf(
          'latency',
          await this.produceInTime(cluster, experiment.batchBytes, experiment.share),
        );
      case 'shutdown':
        return leaderStops(cluster);
      case 'leader-killed':
        return leaderDies(cluster, false);
      case 'controller-killed':
        return leaderDies(cluster, true);
      case 'create':
        return this.create(cluster, this.plan.partitions ?? experiment.partitions);
      case 'move':
        return this.move(cluster, this.plan.partitions ?? experiment.partitions);
      case 'controller-failover':
        return controllerFailsOver(cluster, this.plan.partitions ?? experiment.partitions);
    }
  }

  private async warmUp(cluster: BenchCluster, batchBytes: number): Promise<Metrics> {
    const { seconds, rates } = await untilSettled(async (windowMs) => {
      const { bytes, seconds } = await this.produce(cluster, batchBytes, 6, windowMs);
      return bytes / seconds / 1e6;
    });
    return {
      'until it settles, s': seconds,
      'throughput at first': rates[0]!,
      'throughput at last': rates.at(-1)!,
    };
  }

  private async produce(
    cluster: BenchCluster,
    batchBytes: number,
    connections: number,
    measureMs: number,
  ): Promise<LoadResult> {
    const partitions = Math.min(connections, BROKER_IDS.length);
    const topic = await this.topic(cluster, spread(partitions, 3));
    return runOwnLoad(
      {
        ...this.place(cluster, topic, partitions, batchBytes),
        kind: 'produce',
        connections,
        inFlight: IN_FLIGHT,
        acks: -1,
        compression: 'none',
        isSpread: false,
        measureMs,
      },
      this.pinning.generatorCore,
    );
  }

  private async produceInTime(cluster: BenchCluster, batchBytes: number, share: number): Promise<LoadResult> {
    const full = this.results
      .rows()
      .find(({ workload, metric }) => workload === FULL_LOAD && metric === 'throughput');
    if (full === undefined) throw new Error(`without ${FULL_LOAD} there is no full load to take a share of`);
    const bytesPerSecond = Math.min(...Object.values(full.medians)) * 1e6;
    const topic = await this.topic(cluster, spread(1, 3));
    return runOwnLoad(
      {
        ...this.place(cluster, topic, 1, batchBytes),
        kind: 'latency',
        acks: -1,
        rate: (share * bytesPerSecond) / batchOf(batchBytes, RECORD_BYTES).payloadBytes,
        measureMs: this.plan.measureMs,
      },
      this.pinning.generatorCore,
    );
  }

  private async create(cluster: BenchCluster, partitions: number): Promise<Metrics> {
    const began = performance.now();
    await this.topic(cluster, spread(partitions, 3));
    return { 'until all replicas are in sync, s': (performance.now() - began) / 1000 };
  }

  /** All have their leader on the third broker, which has nothing of them in the end. */
  private async move(cluster: BenchCluster, partitions: number): Promise<Metrics> {
    const topic = await this.topic(
      cluster,
      Array.from({ length: partitions }, (_, i) => [3, 1 + (i % 2)]),
    );
    await runOwnLoad(
      {
        ...this.place(cluster, topic, partitions, 16 * RECORD_BYTES),
        ports: [cluster.broker(3).port],
        kind: 'produce',
        connections: 4,
        inFlight: IN_FLIGHT,
        acks: -1,
        compression: 'none',
        isSpread: true,
        measureMs: 1,
      },
      this.pinning.generatorCore,
    );
    const began = performance.now();
    await reassign(
      cluster,
      topic,
      Array.from({ length: partitions }, (_, i) => [1 + (i % 2), 2 - (i % 2)]),
    );
    return { 'until all have arrived, s': (performance.now() - began) / 1000 };
  }

  private async topic(cluster: BenchCluster, assignment: Assignment): Promise<string> {
    const name = `bench-${this.topicsMade++}`;
    await createTopic(cluster, name, assignment);
    return name;
  }

  private place(cluster: BenchCluster, topic: string, partitions: number, batchBytes: number) {
    const leaders = BROKER_IDS.map((id) => cluster.broker(id));
    return {
      host: leaders[0]!.host,
      ports: leaders.map(({ port }) => port),
      brokerPids: cluster.pids,
      topic,
      partitions,
      recordBytes: RECORD_BYTES,
      batchBytes,
      warmUpMs: WARM_UP_MS,
    };
  }
}

/** Leaders in turn: partition i is led by the broker at i modulo three. */
function spread(partitions: number, replicas: number): Assignment {
  return Array.from({ length: partitions }, (_, partition) =>
    Array.from({ length: replicas }, (__, at) => BROKER_IDS[(partition + at) % BROKER_IDS.length]!),
  );
}
