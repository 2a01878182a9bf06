import { join } from 'node:path';
import { peerNamed, type BenchTarget } from '../broker/peers.ts';
import { runGenerator, runOwnLoad } from '../broker/run-generator.ts';
import { createTopics, deleteTopic } from '../broker/topics.ts';
import { batchOf } from '../load/frames.ts';
import type { FetchSpec, LoadResult } from '../load/load-spec.ts';
import { untilSettled } from '../load/warm-up.ts';
import { pinningOf, wordsOf, type Pinning } from '../pinning.ts';
import type { Metrics } from '../report/metrics.ts';
import { Results } from '../report/results.ts';
import { runSteps, type Step } from '../schedule.ts';
import type { ClientName, ClientResult, ClientSpec } from './client-spec.ts';
import { hasNativeClients } from './native-modules.ts';
import { clientTargets } from './targets.ts';
import { PARTITIONS, canDo, type BrokerName, type ClientWorkload } from './workloads.ts';

export interface ClientsPlan {
  readonly workloads: readonly ClientWorkload[];
  readonly clients: readonly ClientName[];
  readonly rounds: number;
  readonly measureMs: number;
  readonly minutes: number;
  readonly isPinned: boolean;
  readonly name: string;
  readonly isResumed: boolean;
}

/** Of each client, before each measurement: its code has to be compiled, too. */
const WARM_UP_MS = 1_500;
/** Of each broker, before any measurement. */
const SETTLING_MAX_MS = 75_000;
const SETTLING_RECORD_BYTES = 1024;
const SETTLING_READ_BYTES = 4 * 1024 * 1024;
const BATCH_BYTES = 16 * 1024;
const program = join(import.meta.dirname, 'run-client.ts');

/** Our client beside those of others, in turn, against one broker after the other. */
export class ClientsSuite {
  private readonly plan: ClientsPlan;
  private readonly pinning: Pinning;
  private readonly results: Results;
  private readonly deadlineMs: number;
  private target: BenchTarget | null = null;
  /** Topics of the present broker. */
  private readonly filled = new Set<string>();
  private topicsMade = 0;

  constructor(plan: ClientsPlan) {
    this.plan = plan;
    this.pinning = pinningOf(plan.isPinned);
    this.deadlineMs = performance.now() + plan.minutes * 60_000;
    this.results = new Results({
      name: plan.name,
      title: "Odradek's client beside other clients for Node",
      peers: plan.clients,
      experiments: plan.workloads,
      targets: clientTargets(plan.workloads).filter(({ beside }) =>
        (plan.clients as readonly string[]).includes(beside!),
      ),
      facts: {
        settings: `acks=all, no compression, linger 5 ms and batches of ${BATCH_BYTES} bytes (0 ms where single records are awaited), ${PARTITIONS} partitions, at most 10,000 records without an acknowledgement; groups of one member, offsets committed every 5 s; all else as each client has it`,
        pinning: wordsOf(this.pinning).replace('generator', 'client'),
        rounds: `at most ${plan.rounds}, ${plan.minutes} minutes in all; the clients in turn within each, each a process of its own; ${plan.measureMs / 1000} s for each; medians, and medians of the ratios within a round`,
        'the bare socket':
          'no client: one prepared request, its answer awaited, again; what the network and the broker take',
      },
      isResumed: plan.isResumed,
    });
    if (!hasNativeClients() && plan.clients.some((name) => ['node-rdkafka', 'confluent'].includes(name))) {
      throw new Error(
        'node-rdkafka and confluent are not installed: node bench/clients/native-modules.ts compiles them, or leave them out by --peers',
      );
    }
  }

  /** @returns the tables */
  async run(): Promise<string> {
    try {
      const byBroker = Map.groupBy(this.plan.workloads, ({ broker }) => broker);
      let left = byBroker.size;
      for (const [broker, workloads] of byBroker) {
        const shareMs = (this.deadlineMs - performance.now()) / left--;
        await this.against(broker, workloads, performance.now() + shareMs);
      }
    } finally {
      await this.stop();
    }
    return this.results.text();
  }

  /** Ends the broker: it is a process of its own and would outlive us. */
  async stop(): Promise<void> {
    await this.target?.stop();
    this.target = null;
    this.filled.clear();
  }

  private async against(
    broker: BrokerName,
    workloads: readonly ClientWorkload[],
    deadlineMs: number,
  ): Promise<void> {
    this.target = await peerNamed(broker).start(this.pinning.brokerCore);
    for (const workload of workloads) if (workload.kind === 'consume') await this.fill(workload);
    await this.settle();
    const steps = Array.from({ length: this.plan.rounds }, (_, round) =>
      workloads.map((workload) => this.step(workload, round)),
    ).flat();
    await runSteps(steps, deadlineMs, this.results);
    await this.stop();
  }

  /** Gives the broker all that clients do, with bare sockets, until it does it hardly any faster. */
  private async settle(): Promise<void> {
    const { host, port, pid } = this.target!;
    const partitions = PARTITIONS;
    const topic = 'bench-clients-settling';
    await createTopics(this.target!, [topic], partitions);
    const place = { host, port, topic, partitions, recordBytes: SETTLING_RECORD_BYTES, warmUpMs: 0 };
    const shape = { ports: [port], batchBytes: BATCH_BYTES, brokerPids: [pid], connections: 2 };
    const fillBytes = SETTLING_READ_BYTES;
    await this.loadFetch({ ...place, ...shape, phase: 'fill', fillBytes, measureMs: 0 });
    const { rates, seconds } = await untilSettled(async (windowMs) => {
      const spec = { ...place, measureMs: windowMs / 3 };
      const load = { ...spec, ...shape };
      const single = await this.runSpec('bare-socket', { kind: 'single', ...spec });
      const produced = await runOwnLoad(
        { kind: 'produce', ...load, acks: -1, inFlight: 5, compression: 'none', isSpread: false },
        this.pinning.generatorCore,
      );
      const fetched = await this.loadFetch({ ...load, phase: 'loop', fillBytes });
      const perSecond = [single, produced, fetched].map(({ records, seconds }) => records / seconds);
      return Math.cbrt(perSecond.reduce((product, rate) => product * rate, 1));
    }, SETTLING_MAX_MS);
    await deleteTopic(this.target!, topic);
    console.log(`settled after ${seconds.toFixed(0)} s: ${rates.map((rate) => rate.toFixed(0)).join(', ')}`);
  }

  private step(workload: ClientWorkload, round: number): Step {
    return {
      workload: workload.name,
      round,
      peers: this.plan.clients.filter((client) => canDo(client, workload)),
      run: async (client) => metricsOf(workload, await this.measure(client as ClientName, workload)),
    };
  }

  private async measure(client: ClientName, workload: ClientWorkload): Promise<ClientResult> {
    if (workload.kind === 'consume') return this.runClient(client, workload, filledTopic(workload));
    const target = this.target!;
    const topic = `bench-clients-${this.topicsMade++}`;
    await createTopics(target, [topic], PARTITIONS);
    try {
      return await this.runClient(client, workload, topic);
    } finally {
      await deleteTopic(target, topic);
    }
  }

  private async runClient(
    client: ClientName,
    workload: ClientWorkload,
    topic: string,
  ): Promise<ClientResult> {
    const { host, port } = this.target!;
    const times = { warmUpMs: WARM_UP_MS, measureMs: this.plan.measureMs };
    return this.runSpec(client, { ...workload, host, port, topic, partitions: PARTITIONS, ...times });
  }

  private async runSpec(client: ClientName, spec: ClientSpec): Promise<ClientResult> {
    const command = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      program,
      client,
      JSON.stringify(spec),
    ];
    return JSON.parse(await runGenerator(command, this.pinning.generatorCore)) as ClientResult;
  }

  /** The same batches for all who read them. */
  private async fill({ recordBytes, records }: ClientWorkload & { kind: 'consume' }): Promise<void> {
    const { host, port, pid } = this.target!;
    const topic = filledTopic({ recordBytes });
    const batch = batchOf(BATCH_BYTES, recordBytes);
    const fillBytes = (records / PARTITIONS / batch.records) * batch.bytes.length;
    if (this.filled.has(topic)) return;
    this.filled.add(topic);
    await createTopics(this.target!, [topic], PARTITIONS);
    await this.loadFetch({
      phase: 'fill',
      host,
      ports: [port],
      topic,
      partitions: PARTITIONS,
      recordBytes,
      batchBytes: BATCH_BYTES,
      brokerPids: [pid],
      connections: 1,
      fillBytes,
      warmUpMs: 0,
      measureMs: 0,
    });
  }

  private loadFetch(spec: Omit<FetchSpec, 'kind' | 'fetchBytes'>): Promise<LoadResult> {
    return runOwnLoad({ kind: 'fetch', fetchBytes: BATCH_BYTES, ...spec }, this.pinning.generatorCore);
  }
}

function filledTopic({ recordBytes }: { readonly recordBytes: number }): string {
  return `bench-clients-${recordBytes}`;
}

function metricsOf({ kind, recordBytes }: ClientWorkload, result: ClientResult): Metrics {
  const { seconds, records, cpuSeconds, rssBytes, latency } = result;
  const metrics: Metrics = {};
  if (kind !== 'end-to-end') metrics['records'] = records / seconds;
  if (kind === 'produce' || kind === 'consume')
    metrics['throughput'] = (records * recordBytes) / seconds / 1e6;
  metrics['CPU per million records'] = cpuSeconds / (records / 1e6);
  if (latency !== undefined) {
    metrics['p50'] = latency.p50;
    metrics['p99'] = latency.p99;
  }
  metrics['memory'] = rssBytes / 1e6;
  return metrics;
}
