import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '@odradek/broker/adapters/system-clock.ts';
import { InSteps } from '@odradek/broker/handlers/handler.ts';
import { metadataHandler } from '@odradek/broker/handlers/metadata.ts';
import { updateMetadataHandler } from '@odradek/broker/handlers/update-metadata.ts';
import { WorkQueue } from '@odradek/broker/server/work-queue.ts';
import { MetadataView } from '@odradek/broker/topics/metadata-view.ts';
import { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import { applyMetadataUpdate, type MetadataUpdate } from '@odradek/core/controller/metadata-updates.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import type { MetadataResponseInput } from '@odradek/protocol/generated/metadata-response.ts';
import { updateMetadataApi } from '@odradek/protocol/generated/apis/update-metadata.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { machineFacts } from '../report/machine.ts';
import { resultsDirectory } from '../report/results.ts';
import { aligned, rounded } from '../report/table.ts';
import { WIRE_BYTES_PER_SECOND } from './counted-peers.ts';
import { PaperCluster, realTimers } from './paper-cluster.ts';

export interface ScalePlan {
  readonly brokers: number;
  readonly partitions: readonly number[];
  readonly name: string;
}

const PARTITIONS_PER_TOPIC = 100;
const MB = 1e6;
const RESOLUTION_MS = 1;

/** Figures by name, with their unit in the name; one column for each size. */
type Column = Readonly<Record<string, number>>;

/**
 * A cluster that no machine here could run: its real controller on a tree in memory, with brokers that only take
 * what they are told. Counted are nodes, requests and bytes; measured, the controller's own processor time, the
 * longest time it held its loop, and the memory of what it knows.
 */
export class ScaleSuite {
  private readonly plan: ScalePlan;

  constructor(plan: ScalePlan) {
    this.plan = plan;
  }

  async run(): Promise<string> {
    const { brokers, partitions, name } = this.plan;
    const columns: Column[] = [];
    let text = '';
    for (const count of partitions) {
      columns.push(await measure(brokers, count));
      console.error(`${brokers} brokers, ${count} partitions: done`);
      text = textOf(this.plan, columns);
      writeFileSync(join(resultsDirectory, `${name}.md`), text);
      const json = { ...machineFacts(), brokers, partitions, columns };
      writeFileSync(join(resultsDirectory, `${name}.json`), `${JSON.stringify(json, null, 1)}\n`);
    }
    return text;
  }

  async stop(): Promise<void> {}
}

function textOf({ brokers, partitions }: ScalePlan, columns: readonly Column[]): string {
  const figures = Object.keys(columns[0]!);
  const rows = figures.map((figure) => [figure, ...columns.map((column) => rounded(column[figure]))]);
  const head = columns.map((_, at) => `${partitions[at]!.toLocaleString('en')} partitions`);
  const facts = Object.entries({
    ...machineFacts(),
    topics: `of ${PARTITIONS_PER_TOPIC} partitions, three replicas each`,
    'network of the controller': '1 Gbit/s',
  });
  const lines = facts.map(([key, value]) => `- ${key}: ${value}`);
  return `# ${brokers} brokers on paper\n\n${lines.join('\n')}\n\n${aligned(['', ...head], rows, 1)}\n`;
}

async function measure(brokers: number, partitions: number): Promise<Column> {
  const cluster = new PaperCluster();
  await cluster.start(brokers);
  const made = await watched(async () => {
    for (let at = 0; at * PARTITIONS_PER_TOPIC < partitions; at++) {
      const size = Math.min(PARTITIONS_PER_TOPIC, partitions - at * PARTITIONS_PER_TOPIC);
      await cluster.createTopic(`topic-of-some-team-${at}`, size);
    }
    await cluster.settled();
  });
  const written = cluster.traffic;

  // The controller dies, and the second broker is elected.
  const [, second] = cluster.brokers;
  await cluster.lose(0);
  await cluster.settled();
  const heapBefore = heapBytes();
  const failover = await watched(() => cluster.elect(second!));
  const heapOfController = heapBytes() - heapBefore;
  const { traffic: read, fanOut: told } = cluster;

  // Another broker dies under the new controller.
  const loss = await watched(async () => {
    await cluster.lose(brokers - 1);
    await cluster.settled();
  });
  const { traffic: changed, fanOut: toldOfLoss } = cluster;
  const follower = await knowledgeOf(told.lastMetadata!);
  cluster.close();
  return {
    'replicas per broker': (3 * partitions) / brokers,
    'nodes in ZooKeeper': 2 * partitions + 3 * Math.ceil(partitions / PARTITIONS_PER_TOPIC) + brokers + 20,
    'written to ZooKeeper to make them, MB': written.bytes / MB,
    'transactions for that': written.writes,
    'processor time of the controller for that, s': (made.cpuMs - written.treeMs) / 1000,
    'controller failover: requests to ZooKeeper': read.reads + read.writes,
    'controller failover: exchanged with ZooKeeper, MB': read.bytes / MB,
    'controller failover: UpdateMetadata to all, MB': told.metadataBytes / MB,
    'controller failover: LeaderAndIsr to all, MB': told.leadershipBytes / MB,
    'controller failover: sent and unanswered at once, MB': told.unansweredBytesMax / MB,
    'controller failover: processor time of the controller, s': (failover.cpuMs - read.treeMs) / 1000,
    'controller failover: longest hold of its loop, ms': failover.holdMs,
    'controller failover: until all have been told, s': failover.seconds,
    'controller failover: on a wire of 1 Gbit/s, s':
      (told.metadataBytes + told.leadershipBytes + read.bytes) / WIRE_BYTES_PER_SECOND,
    'loss of one broker: transactions': changed.writes,
    'loss of one broker: exchanged with ZooKeeper, MB': changed.bytes / MB,
    'loss of one broker: told to all, MB': (toldOfLoss.metadataBytes + toldOfLoss.leadershipBytes) / MB,
    'loss of one broker: processor time of the controller, s': (loss.cpuMs - changed.treeMs) / 1000,
    'loss of one broker: longest hold of its loop, ms': loss.holdMs,
    'one UpdateMetadata of everything, MB': told.lastMetadata!.length / MB,
    'taking it, processor time of a broker, ms': follower.taking.cpuMs,
    'taking it, longest hold of a broker, ms': follower.taking.holdMs,
    'memory of a broker for its metadata, MB': follower.heapBytes / MB,
    'Metadata of all topics, MB': follower.answerBytes / MB,
    'answering it, processor time of a broker, ms': follower.answering.cpuMs,
    'answering it, longest hold of a broker, ms': follower.answering.holdMs,
    'memory of the controller for the cluster, MB': heapOfController / MB,
  };
}

interface Follower {
  readonly taking: Watched;
  readonly answering: Watched;
  readonly answerBytes: number;
  readonly heapBytes: number;
}

/** What a broker does with UpdateMetadata, what it then keeps, and what it does for a client that asks for all of it. */
async function knowledgeOf(frame: Buffer): Promise<Follower> {
  const state = new ClusterState();
  const work = new WorkQueue(systemClock, realTimers);
  const broker = {
    orders: { judge: () => 0 },
    metadata: new MetadataView(state),
    *takeMetadata(update: MetadataUpdate) {
      yield* applyMetadataUpdate(state, update);
    },
  };
  const before = heapBytes();
  const taking = await watched(async () => {
    const apiVersion = updateMetadataApi.versionMax;
    const request = await work.run(
      updateMetadataApi.readRequestInSteps!(new Reader(frame), apiVersion),
      false,
    );
    await inTurns(work, updateMetadataHandler.handle(request, { apiVersion, broker } as never));
  });
  const heap = heapBytes() - before;
  if (state.topicCount === 0) throw new Error('the broker knows of no topic after UpdateMetadata');
  const writer = new Writer();
  const answering = await watched(async () => {
    const apiVersion = metadataApi.versionMax;
    const context = { apiVersion, broker, listenerName: 'PLAINTEXT' };
    const request = { topics: null } as never;
    const answer = await inTurns<MetadataResponseInput>(
      work,
      metadataHandler.handle(request, context as never),
    );
    await work.run(metadataApi.writeResponseInSteps!(writer, answer, apiVersion), true);
  });
  return { taking, answering, answerBytes: writer.sizeBytes, heapBytes: heap };
}

async function inTurns<Response>(work: WorkQueue, handled: unknown): Promise<Response> {
  if (!(handled instanceof InSteps)) throw new Error('the broker does this in one turn');
  return (await work.run(handled.steps, false)) as Response;
}

interface Watched {
  readonly seconds: number;
  readonly cpuMs: number;
  readonly holdMs: number;
}

/** Runs it and watches the loop: processor time, and the longest time in which nothing else got its turn. */
async function watched(act: () => Promise<void>): Promise<Watched> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const before = process.threadCpuUsage();
  const began = performance.now();
  await act();
  const seconds = (performance.now() - began) / 1000;
  // A last hold would otherwise end before it was looked at.
  await sleep(2 * RESOLUTION_MS);
  const { user, system } = process.threadCpuUsage(before);
  delay.disable();
  return { seconds, cpuMs: (user + system) / 1000, holdMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS) };
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
