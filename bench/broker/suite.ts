import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batchOf } from '../load/frames.ts';
import { untilSettled } from '../load/warm-up.ts';
import { pinningOf, wordsOf, type Pinning } from '../pinning.ts';
import { metricsOf, type Metrics } from '../report/metrics.ts';
import { Results } from '../report/results.ts';
import { runSteps, type Step } from '../schedule.ts';
import { writeCrashedLog, type CrashedLog } from './crashed-log.ts';
import { measureLoad, type LoadTimes, type RunningPeer } from './measure-load.ts';
import { measurePartitions } from './measure-partitions.ts';
import { measureRecovery } from './measure-recovery.ts';
import { measureStart } from './measure-start.ts';
import type { Peer } from './peers.ts';
import { targets } from './targets.ts';
import {
  FULL_LOAD,
  workloadsNamed,
  type LatencyWorkload,
  type LoadWorkload,
  type Workload,
} from './workloads.ts';

export interface BrokerPlan {
  readonly workloads: readonly Workload[];
  readonly peers: readonly Peer[];
  /** Of what has a target, and of the rest. */
  readonly rounds: number;
  readonly otherRounds: number;
  readonly measureMs: number;
  readonly minutes: number;
  readonly recoveryBytes: number;
  readonly manyPartitions: number;
  readonly isPinned: boolean;
  readonly name: string;
  readonly isResumed: boolean;
}

const WARM_UP_MS = 700;
/** Of each peer, before anything counts: compilers have to do their work. */
const FIRST_WARM_UP = ['produce-16k', 'produce-128k', 'fetch-16k'];

/** One broker beside others: the whole matrix, or some of it, within the time that there is. */
export class BrokerSuite {
  private readonly plan: BrokerPlan;
  private readonly pinning: Pinning;
  private readonly times: LoadTimes;
  private readonly deadlineMs: number;
  private readonly results: Results;
  private readonly running = new Map<string, RunningPeer>();

  constructor(plan: BrokerPlan) {
    this.plan = plan;
    this.pinning = pinningOf(plan.isPinned);
    this.times = { warmUpMs: WARM_UP_MS, measureMs: plan.measureMs };
    this.deadlineMs = performance.now() + plan.minutes * 60_000;
    this.results = new Results({
      name: plan.name,
      title: 'One broker of Odradek beside Apache Kafka',
      peers: plan.peers.map(({ name }) => name),
      experiments: plan.workloads,
      targets: targets.filter(({ workload }) => plan.workloads.some(({ name }) => name === workload)),
      facts: {
        ...Object.fromEntries(plan.peers.map(({ name, setUp }) => [name, setUp])),
        pinning: wordsOf(this.pinning),
        rounds: `at most ${plan.rounds} of what has a target, ${plan.otherRounds} of the rest, ${plan.minutes} minutes in all; the peers in turn within each; ${plan.measureMs / 1000} s per load and peer; medians, and medians of the ratios within a round`,
        recovery: `${plan.recoveryBytes / 1e9} GB, the same files for all`,
      },
      isResumed: plan.isResumed,
    });
  }

  /** @returns the tables */
  async run(): Promise<string> {
    try {
      await this.measureFresh(['start', 'recovery']);
      await this.measureLoads(true);
      // Takes Kafka minutes: what has a target has been measured by now.
      await this.measureFresh(['many-partitions']);
      await this.measureLoads(false);
    } finally {
      await this.stop();
    }
    return this.results.text();
  }

  /** Ends the brokers: they are processes of their own and would outlive us. */
  async stop(): Promise<void> {
    for (const { target } of this.running.values()) await target.stop();
    this.running.clear();
  }

  /** What needs brokers of its own. */
  private async measureFresh(kinds: readonly Workload['kind'][]): Promise<void> {
    const { workloads, peers, recoveryBytes, manyPartitions } = this.plan;
    const byName = new Map(peers.map((peer) => [peer.name, peer]));
    for (const workload of workloads.filter(({ kind }) => kinds.includes(kind))) {
      if (workload.kind === 'start') {
        // The first start after a change compiles, and reads from the disk what later ones find in memory.
        for (const peer of peers) await (await peer.start(this.pinning.brokerCore)).stop();
        await this.take(workload, (peer) => measureStart(workload, byName.get(peer)!, this.pinning));
      }
      if (workload.kind === 'recovery') {
        await this.withCrashedLog(recoveryBytes, (log) =>
          this.take(workload, (peer) => measureRecovery(log, byName.get(peer)!, this.pinning), 1),
        );
      }
      if (workload.kind === 'many-partitions') {
        await this.take(
          workload,
          (peer) => measurePartitions(manyPartitions, byName.get(peer)!, this.pinning, this.times),
          1,
        );
      }
    }
  }

  private async withCrashedLog(sizeBytes: number, use: (log: CrashedLog) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-bench-data-crashed-'));
    try {
      await use(writeCrashedLog(folder, sizeBytes));
    } catch (error) {
      // A disk without room for it is no reason not to measure the rest.
      const words = error instanceof Error ? error.message : String(error);
      this.results.noteFailure({ workload: 'recovery', peer: 'all', round: 0, error: words });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** What has a target, or the rest: round by round, as far as the time goes. */
  private async measureLoads(isAimedAt: boolean): Promise<void> {
    const aimed = new Set(targets.map(({ workload }) => workload));
    const loads = this.plan.workloads.filter(isLoad);
    if (loads.some(({ kind }) => kind === 'latency')) aimed.add(FULL_LOAD);
    const chosen = loads.filter(({ name }) => aimed.has(name) === isAimedAt);
    if (chosen.length === 0) return;
    if (this.running.size === 0) await this.startAll();
    const rounds = isAimedAt ? this.plan.rounds : this.plan.otherRounds;
    const steps = roundsOf(rounds, chosen, (workload, round) => this.loadStep(workload, round));
    await runSteps(steps, this.deadlineMs, this.results);
  }

  private async startAll(): Promise<void> {
    for (const peer of this.plan.peers) {
      const target = await peer.start(this.pinning.brokerCore);
      this.running.set(peer.name, { peer, target, filled: new Set() });
    }
    const warmUps = workloadsNamed(FIRST_WARM_UP).filter(isLoad);
    for (const running of this.running.values()) {
      for (const workload of warmUps) {
        if (!canRun(running.peer, workload)) continue;
        await untilSettled(async (measureMs) => {
          const times = { warmUpMs: 0, measureMs };
          const { bytes, seconds } = await measureLoad(workload, running, this.pinning, times, 0);
          return bytes / seconds;
        });
      }
    }
  }

  private loadStep(workload: LoadWorkload, round: number): Step {
    return {
      workload: workload.name,
      round,
      peers: this.plan.peers.filter((peer) => canRun(peer, workload)).map(({ name }) => name),
      run: async (peer) => {
        const rate = workload.kind === 'latency' ? this.rateOf(workload) : 0;
        const result = await measureLoad(workload, this.running.get(peer)!, this.pinning, this.times, rate);
        return metricsOf(workload.kind, result);
      },
    };
  }

  /** Of the slowest peer: all are asked for the same, and none for more than it can. In batches per second. */
  private rateOf({ share, batchBytes, recordBytes }: LatencyWorkload): number {
    const full = this.results
      .rows()
      .find(({ workload, metric }) => workload === FULL_LOAD && metric === 'throughput');
    if (full === undefined) throw new Error(`without ${FULL_LOAD} there is no full load to take a share of`);
    const bytesPerSecond = Math.min(...Object.values(full.medians)) * 1e6;
    return (share * bytesPerSecond) / batchOf(batchBytes, recordBytes).payloadBytes;
  }

  private take(
    workload: Workload,
    run: (peer: string) => Promise<Metrics>,
    rounds = this.plan.rounds,
  ): Promise<void> {
    const peers = this.plan.peers.filter((peer) => canRun(peer, workload)).map(({ name }) => name);
    const steps = roundsOf(rounds, [workload], ({ name }, round) => ({ workload: name, round, peers, run }));
    return runSteps(steps, this.deadlineMs, this.results);
  }
}

function roundsOf<Each>(
  rounds: number,
  all: readonly Each[],
  step: (each: Each, round: number) => Step,
): Step[] {
  return Array.from({ length: rounds }, (_, round) => all.map((each) => step(each, round))).flat();
}

function isLoad(workload: Workload): workload is LoadWorkload {
  return !['start', 'recovery', 'many-partitions'].includes(workload.kind);
}

function canRun(peer: Peer, workload: Workload): boolean {
  return !peer.onlyProduces || (workload.kind === 'produce' && workload.hasBaseline === true);
}
