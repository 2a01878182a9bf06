// One cluster of two Odradek brokers and an Apache Kafka 3.9 broker with one ZooKeeper: each is controller, leader and
// follower of the others in turn, by orderly stops and by kill -9, and after each step all hold the same bytes and
// everything that was acknowledged. One command, no arguments; needs Java:
//   npm run prove:mixed-cluster
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Consumer, createTopic, deleteTopic, Producer } from '@odradek/client/index.ts';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { commitOffsets, fetchCommitted, TOOL } from '@odradek/client/consumer/committed-offsets.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import { startKafka } from '../../scripts/kafka.ts';
import { startZookeeper } from '../../scripts/zookeeper.ts';
import { Steps } from '../steps.ts';
import { startOdradek } from '../targets/odradek.ts';
import type { Target } from '../targets/target.ts';

const KAFKA = 1;
const ODRADEKS = [2, 3];
const REPLICAS = 1 + ODRADEKS.length;
const TOPIC = 'mixed';
const PARTITIONS = 6;
const SESSION_MS = 2_000;
const PATIENCE_MS = 60_000;
const MESSAGES_PER_STEP = 300;

const folder = mkdtempSync(join(tmpdir(), 'odradek-mixed-cluster-'));
const odradekData = ODRADEKS.map((id) => join(folder, `odradek-${id}`));
const steps = new Steps();

const byKafka = ({ controllerId }: Told): boolean => controllerId === KAFKA;
const byOdradek = ({ controllerId }: Told): boolean => ODRADEKS.includes(controllerId);
const areSpread = (leaders: readonly number[]): boolean => new Set(leaders).size === REPLICAS;
const leadsNothing =
  (...ids: readonly number[]) =>
  (leaders: readonly number[]): boolean =>
    leaders.every((leader) => leader >= 0 && !ids.includes(leader));
const areAllInSync = ({ partitions }: Told): boolean =>
  partitions.every(({ isr }) => isr.length === REPLICAS);

const zookeeper = await startZookeeper();
const shared = {
  'zookeeper.connect': zookeeper.connectString,
  'zookeeper.session.timeout.ms': String(SESSION_MS),
  'default.replication.factor': String(REPLICAS),
  'offsets.topic.replication.factor': String(REPLICAS),
  'replica.lag.time.max.ms': '5000',
  'auto.leader.rebalance.enable': 'false',
  'controlled.shutdown.retry.backoff.ms': '500',
};
const kafka = await startKafka({
  version: '3.9',
  quickStart: true,
  overrides: { ...shared, 'broker.id': String(KAFKA) },
});
const odradeks = await Promise.all(
  ODRADEKS.map((id, i) =>
    startOdradek({ overrides: { ...shared, 'broker.id': String(id), 'log.dirs': odradekData[i]! } }),
  ),
);
const bootstrapServers = [kafka, ...odradeks].map(({ bootstrap }) => bootstrap).join(',');
const cluster = new Cluster({ bootstrapServers });
const producer = new Producer({ bootstrapServers, compression: 'lz4' });
/** By partition, in the order of sending. */
/** By partition, as they were acknowledged: what had to be sent again may be so after what was sent behind it. */
const acknowledged: string[][] = Array.from({ length: PARTITIONS }, () => []);
let sentCount = 0;

try {
  await run();
} finally {
  await producer.close().catch(() => {});
  cluster.close();
  for (const odradek of odradeks) await odradek.stop();
  await kafka.stop();
  await zookeeper.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
steps.close();

async function run(): Promise<void> {
  await steps.take('Kafka is the controller, all lead and follow', async () => {
    await createTopic(cluster, { name: TOPIC, partitions: PARTITIONS, replicationFactor: REPLICAS });
    await until('Kafka as controller', byKafka);
    return copied(areSpread);
  });
  await steps.take(
    'Kafka stops in order: an Odradek broker is the controller, Odradek leads all',
    async () => {
      await kafka.shutDown();
      await until('Odradek as controller', byOdradek);
      return continued(leadsNothing(KAFKA));
    },
  );
  await steps.take('Kafka comes back and follows Odradek, under Odradek as controller', async () => {
    await kafka.startAgain();
    return copied(leadsNothing(KAFKA));
  });
  await steps.take('the preferred leaders lead again, Odradek still being the controller', async () => {
    await electPreferred();
    return copied(areSpread);
  });
  await steps.take('kill -9 of both Odradek brokers: Kafka is the controller and leads all', async () => {
    await Promise.all(odradeks.map((odradek) => odradek.kill()));
    await until('Kafka as controller', byKafka);
    return continued(leadsNothing(...ODRADEKS));
  });
  await steps.take('they come back and follow Kafka, under Kafka as controller', async () => {
    await sleep(SESSION_MS);
    for (const odradek of odradeks) await odradek.startAgain();
    return copied(leadsNothing(...ODRADEKS));
  });
  await steps.take('Odradek leads its share again, Kafka being the controller', async () => {
    await electPreferred();
    return copied(areSpread);
  });
  await steps.take('kill -9 of Kafka: an Odradek broker is the controller, Odradek leads all', async () => {
    await kafka.kill();
    await until('Odradek as controller', byOdradek);
    return continued(leadsNothing(KAFKA));
  });
  await steps.take('Kafka comes back from that', async () => {
    await kafka.startAgain();
    return copied(leadsNothing(KAFKA));
  });
  await steps.take('the Odradek brokers stop in order, one after the other, and come back', async () => {
    for (const odradek of odradeks) await odradek.shutDown();
    await until('Kafka as controller', byKafka);
    const alone = await continued(leadsNothing(...ODRADEKS));
    for (const odradek of odradeks) await odradek.startAgain();
    return `${alone}, then ${await copied(() => true)}`;
  });
  await steps.take('kill -9 of one Odradek broker and its return, under load', () =>
    killedUnderLoad(odradeks[0]!, ODRADEKS[0]!, SESSION_MS),
  );
  await steps.take(
    'an Odradek broker sleeps longer than its session, Kafka being the controller, under load',
    () => sleptUnderLoad(odradeks[1]!, ODRADEKS[1]!),
  );
  await steps.take('kill -9 of Kafka and its return, under load', () => killedUnderLoad(kafka, KAFKA, 0));
  await steps.take('offsets that a group committed are known to whichever broker coordinates it', groups);
  await steps.take('everything acknowledged can be read, once and in order', readAll);
  await steps.take('the topic is deleted on all', async () => {
    await deleteTopic(cluster, TOPIC);
    await eventually('its directories gone', () => {
      const left = [kafka.dataDirectory, ...odradekData].flatMap((data) =>
        readdirSync(data).filter((name) => /^mixed-\d+$/.test(name)),
      );
      return Promise.resolve(left.length === 0 ? true : null);
    });
    return 'no directory of it is left';
  });
}

/** @param forgottenMs how long ZooKeeper holds the dead broker's place, which the target does not wait for */
async function killedUnderLoad(
  target: Pick<Target, 'kill' | 'startAgain'>,
  id: number,
  forgottenMs: number,
): Promise<string> {
  await electPreferred();
  const load = await underLoad(async () => {
    await target.kill();
    await until('others leading all', ({ partitions }) => leadsNothing(id)(leadersOf(partitions)));
    await sleep(forgottenMs);
    await target.startAgain();
    await until('all in sync', areAllInSync);
    await electPreferred();
  });
  return `${load}, then ${await copied(areSpread)}`;
}

/** Its process goes on without having ended: it has to take a new session and a new life by itself. */
async function sleptUnderLoad(target: Pick<Target, 'pid'>, id: number): Promise<string> {
  await electPreferred();
  const load = await underLoad(async () => {
    process.kill(target.pid, 'SIGSTOP');
    await until('others leading all', ({ partitions }) => leadsNothing(id)(leadersOf(partitions)));
    process.kill(target.pid, 'SIGCONT');
    await until('all in sync', areAllInSync);
    await electPreferred();
  });
  return `${load}, then ${await copied(areSpread)}`;
}

/** Produces, and waits until all replicas are in sync and hold the same bytes. */
async function copied(isLedWell: (leaders: readonly number[]) => boolean): Promise<string> {
  const told = await until(
    'all in sync and led well',
    (now) => areAllInSync(now) && isLedWell(leadersOf(now.partitions)),
  );
  await produce();
  const sizeBytes = await eventually('equal logs', async () => equalBytes());
  const led = leadersOf(told.partitions).filter((leader) => leader !== KAFKA).length;
  return `${sizeBytes} bytes equal on all, Odradek leads ${led} of ${PARTITIONS}`;
}

/** Produces with some brokers down. */
async function continued(isLedWell: (leaders: readonly number[]) => boolean): Promise<string> {
  await until('leaders for all', ({ partitions }) => isLedWell(leadersOf(partitions)));
  await produce();
  return `${acknowledgedCount()} messages acknowledged`;
}

async function produce(): Promise<void> {
  await Promise.all(Array.from({ length: MESSAGES_PER_STEP }, send));
}

function numberOf(message: string): number {
  return Number(/^message (\d+),/.exec(message)![1]);
}

/** Each of its partition after the one before, each until it is acknowledged by all in sync. */
async function send(): Promise<void> {
  const value = `message ${sentCount}, ${randomBytes(sentCount % 200).toString('base64')}`;
  const partition = sentCount++ % PARTITIONS;
  await producer.send({ topic: TOPIC, partition, value: Buffer.from(value) });
  acknowledged[partition]!.push(value);
}

/** Sends without pause while `act` goes on, and a little longer. */
async function underLoad(act: () => Promise<unknown>): Promise<string> {
  const before = sentCount;
  const load = { isOver: false };
  const failures: Error[] = [];
  const senders = Array.from({ length: PARTITIONS * 4 }, async () => {
    while (!load.isOver) await send().catch((error: Error) => failures.push(error));
  });
  await sleep(1_000);
  await act();
  await sleep(1_000);
  load.isOver = true;
  await Promise.all(senders);
  assert.deepEqual(failures, []);
  return `${sentCount - before} messages acknowledged meanwhile`;
}

function acknowledgedCount(): number {
  return acknowledged.reduce((sum, values) => sum + values.length, 0);
}

/** Commits with the one coordinator, reads with the other after the first has gone. */
async function groups(): Promise<string> {
  const names = Array.from({ length: 8 }, (_, i) => `group ${i}`);
  for (const [i, name] of names.entries()) {
    await commitOffsets(coordinatorOf(name), TOOL, [{ topic: TOPIC, partition: 0, offset: i + 1 }]);
  }
  const readBack = async () => {
    const all = await Promise.all(names.map((name) => fetchCommitted(coordinatorOf(name), null)));
    return all.map((found) => [...found.values()][0]?.offset);
  };
  const expected = names.map((_, i) => i + 1);
  assert.deepEqual(await readBack(), expected);
  await kafka.shutDown();
  assert.deepEqual(await readBack(), expected, 'from Odradek alone');
  await kafka.startAgain();
  await until('all in sync', areAllInSync);
  for (const odradek of odradeks) await odradek.shutDown();
  assert.deepEqual(await readBack(), expected, 'from Kafka alone');
  for (const odradek of odradeks) await odradek.startAgain();
  return `${names.length} groups`;
}

function coordinatorOf(group: string): Coordinator {
  return new Coordinator(cluster, CoordinatorType.GROUP, group);
}

async function readAll(): Promise<string> {
  const consumer = new Consumer({ bootstrapServers });
  const read = new Map<number, string[]>();
  try {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    await consumer.assign(partitions.map((partition) => ({ topic: TOPIC, partition, from: 0 })));
    let count = 0;
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (count < acknowledgedCount() && performance.now() < deadlineMs) {
      for (const { partition, records } of await consumer.poll(1_000)) {
        const values = records.map(({ value }) => String(value));
        read.set(partition, [...(read.get(partition) ?? []), ...values]);
        count += values.length;
      }
    }
    for (const partition of partitions) {
      const expected = acknowledged[partition]!.toSorted((a, b) => numberOf(a) - numberOf(b));
      assert.deepEqual(read.get(partition), expected, `partition ${partition}`);
    }
    return `${count} messages`;
  } finally {
    await consumer.close();
  }
}

/** @returns the size of all, or null when they differ */
function equalBytes(): number | null {
  let sizeBytes = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const [one, ...others] = [kafka.dataDirectory, ...odradekData].map((data) =>
      logBytes(join(data, `${TOPIC}-${partition}`)),
    );
    if (!others.every((other) => one!.equals(other))) return null;
    sizeBytes += one!.length;
  }
  return sizeBytes > 0 ? sizeBytes : null;
}

function logBytes(directory: string): Buffer {
  const segments = readdirSync(directory).filter((name) => name.endsWith('.log'));
  return Buffer.concat(segments.toSorted().map((name) => readFileSync(join(directory, name))));
}

async function electPreferred(): Promise<void> {
  await cluster.requestToController(
    electLeadersApi,
    { electionType: 0, topicPartitions: null, timeoutMs: 10_000 },
    () => [],
  );
}

interface Told {
  readonly controllerId: number;
  readonly partitions: readonly PartitionTold[];
}

interface PartitionTold {
  readonly leader: number;
  readonly isr: readonly number[];
}

function leadersOf(partitions: readonly PartitionTold[]): number[] {
  return partitions.map(({ leader }) => leader);
}

/** What brokers tell, once it is as wanted. */
function until(what: string, isWanted: (told: Told) => boolean): Promise<Told> {
  return eventually(what, async () => {
    const { controllerId, topics } = await cluster.allTopics();
    const topic = topics.find(({ name }) => name === TOPIC);
    const partitions = (topic?.partitions ?? []).map(({ leaderId, isrNodes }) => ({
      leader: leaderId,
      isr: isrNodes,
    }));
    const told = { controllerId, partitions };
    return partitions.length === PARTITIONS && isWanted(told) ? told : null;
  });
}

async function eventually<Value>(what: string, look: () => Promise<Value | null>): Promise<Value> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await look();
    if (value !== null) return value;
    if (performance.now() > deadlineMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await sleep(100);
  }
}
