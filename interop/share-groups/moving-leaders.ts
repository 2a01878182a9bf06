// A share group while its partitions, its coordinator and the state of its records move between two brokers: by an
// election, by a broker that shuts down in good order, by one that is killed.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Cluster,
  Producer,
  ShareConsumer,
  alterConfigs,
  createTopic,
  electLeaders,
  listShareGroupOffsets,
  type AcknowledgementOutcome,
} from '@odradek/client/index.ts';
import { freePort } from '../../scripts/free-port.ts';
import { host } from '../../scripts/java-process.ts';
import { startKafka, type RunningKafka } from '../../scripts/kafka.ts';

const TOPIC = 'moving';
const GROUP = 'movers';
const PARTITIONS = 4;
const MEMBERS = 2;
/** Sent between two mishaps. */
const HELPING = 300;
const DEADLINE_MS = 60_000;

class Ledger {
  readonly handled = new Set<string>();
  private readonly accepted = new Set<string>();
  repeated = 0;
  afterAccepted = 0;
  /** Verdicts that did not stand. */
  failed = 0;

  handle(partition: number, offset: number): void {
    const key = `${partition} ${offset}`;
    if (this.accepted.has(key)) this.afterAccepted++;
    else if (this.handled.has(key)) this.repeated++;
    this.handled.add(key);
  }

  note({ partition, verdict, offsets, error }: AcknowledgementOutcome): void {
    if (error !== null) this.failed += offsets.length;
    else if (verdict === 'accept') for (const offset of offsets) this.accepted.add(`${partition} ${offset}`);
  }
}

/** @returns complaints */
export async function movingLeaders(): Promise<string[]> {
  const brokers = await startTwo();
  const bootstrapServers = brokers.map(({ bootstrap }) => bootstrap).join();
  const cluster = new Cluster({ bootstrapServers });
  const producer = new Producer({ bootstrapServers });
  const ledger = new Ledger();
  const members = Array.from({ length: MEMBERS }, () => {
    const consumer = new ShareConsumer({
      bootstrapServers,
      groupId: GROUP,
      topics: [TOPIC],
      maxPollRecords: 30,
      acknowledgeIntervalMs: 20,
      onAcknowledged: (outcomes) => {
        for (const outcome of outcomes) ledger.note(outcome);
      },
    });
    return { consumer, running: Promise.resolve() };
  });
  const beginMs = performance.now();
  let sent = 0;
  let isAllDone = false;
  const send = async (): Promise<void> => {
    const sends = Array.from({ length: HELPING }, (_, i) =>
      producer.send({ topic: TOPIC, partition: i % PARTITIONS, value: Buffer.from(String(i)) }),
    );
    await Promise.all(sends);
    sent += HELPING;
  };
  const until = (count: number): Promise<boolean> => within(DEADLINE_MS, () => ledger.handled.size >= count);
  const elect = async (): Promise<void> => void (await electLeaders(cluster, 'preferred', null));
  const [, second] = brokers;
  try {
    await createTopic(cluster, { name: TOPIC, partitions: PARTITIONS, replicationFactor: 2 });
    await alterConfigs(
      cluster,
      { type: 'group', name: GROUP },
      { 'share.auto.offset.reset': 'earliest', 'share.record.lock.duration.ms': '15000' },
    );
    for (const member of members) {
      member.running = member.consumer.run({
        concurrency: 5,
        eachMessage: async ({ partition, offset }) => {
          await sleep(Math.random() * 10);
          ledger.handle(partition, offset);
        },
      });
    }
    await send();
    await until(HELPING / 2);
    for (const mishap of [() => second!.shutDown(), () => second!.kill()]) {
      await mishap();
      await send();
      await until(sent - HELPING / 2);
      await second!.startAgain();
      await send();
      await until(sent - HELPING / 2);
      await elect();
      await send();
      await until(sent - HELPING / 2);
    }
    await until(sent);
    isAllDone = await within(20_000, async () =>
      (await listShareGroupOffsets(cluster, GROUP)).every(({ lag }) => lag === 0),
    );
    for (const { consumer } of members) await consumer.close();
    await Promise.all(members.map(({ running }) => running));
  } finally {
    await producer.close(0);
    cluster.close();
    await Promise.all(members.map(({ consumer }) => consumer.close(0)));
    for (const broker of brokers) await broker.stop();
  }
  console.log(
    `leaders moved six times, ${((performance.now() - beginMs) / 1_000).toFixed(0)} s: ${sent} in, ` +
      `${ledger.handled.size} handled, ${ledger.repeated} of them again, ${ledger.afterAccepted} after they were accepted; ` +
      `${ledger.failed} verdicts were void`,
  );
  const complaints: string[] = [];
  if (ledger.handled.size !== sent) complaints.push(`${sent - ledger.handled.size} records were not handled`);
  if (!isAllDone) complaints.push('the group says that it is not done with all of them');
  if (ledger.afterAccepted > 0)
    complaints.push(`${ledger.afterAccepted} records came again when they were accepted`);
  return complaints;
}

/** @returns whether it became true in time */
async function within(timeoutMs: number, isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) return false;
    await sleep(50);
  }
  return true;
}

/** The first is the controller, too, and outlives everything. */
async function startTwo(): Promise<RunningKafka[]> {
  const [controlPort, ...ports] = [await freePort(), await freePort(), await freePort()];
  const shared = {
    'controller.quorum.voters': `0@${host}:${controlPort}`,
    'default.replication.factor': '2',
    'offsets.topic.replication.factor': '2',
    'offsets.topic.num.partitions': '2',
    'share.coordinator.state.topic.replication.factor': '2',
    'share.coordinator.state.topic.num.partitions': '2',
    'group.share.heartbeat.interval.ms': '500',
    'group.share.min.heartbeat.interval.ms': '500',
    'auto.leader.rebalance.enable': 'false',
  };
  const first = await startKafka({
    version: '4.4',
    quickStart: true,
    port: ports[0]!,
    overrides: {
      ...shared,
      listeners: `PLAINTEXT://${host}:${ports[0]},CONTROLLER://${host}:${controlPort}`,
    },
  });
  try {
    const second = await startKafka({
      version: '4.4',
      quickStart: true,
      port: ports[1]!,
      overrides: {
        ...shared,
        'node.id': '1',
        'process.roles': 'broker',
        listeners: `PLAINTEXT://${host}:${ports[1]}`,
      },
    });
    return [first, second];
  } catch (error) {
    await first.stop();
    throw error;
  }
}
