import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startKafka, type RunningKafka } from '../../scripts/kafka.ts';
import { startZookeeper, ZOOKEEPER_TICK_MS } from '../../scripts/zookeeper.ts';
import { startOdradek } from '../targets/odradek.ts';
import type { Target } from '../targets/target.ts';
import { HandedOver, TRANSACTED } from './handed-over.ts';
import { consume, dump } from './kafka-tools.ts';

/*
 * Moving in, and out: one data directory and one ZooKeeper, which Apache Kafka 3.9 and Odradek take from each other under
 * the same broker id, after orderly stops and after kill -9. Each serves what the other has written, goes on with it, and
 * knows its groups; of transactions both keep what the coordinator of the other needs.
 */

const SESSION_MS = 2000;
const BROKER = '1';

/** How a step ends for the next one. */
export type Scenario = (what: string, run: () => Promise<string>) => Promise<void>;

export async function handOver(scenario: Scenario): Promise<void> {
  const zookeeper = await startZookeeper();
  const settings = {
    'zookeeper.connect': zookeeper.connectString,
    'zookeeper.session.timeout.ms': String(SESSION_MS),
    'broker.id': BROKER,
    'offsets.topic.num.partitions': '2',
  };
  const kafka = await startKafka({
    version: '3.9',
    quickStart: true,
    overrides: {
      ...settings,
      // Before 3.0 Kafka still writes what `message.format.version` says.
      'inter.broker.protocol.version': '2.8',
      'transaction.state.log.num.partitions': '2',
    },
  });
  const data = new HandedOver();
  const ours: { broker: Target | null } = { broker: null };
  try {
    await scenario('Kafka 3.9 writes all formats, and transactions', async () => {
      await data.make(kafka.bootstrap);
      await data.write(kafka.bootstrap, 'kafka');
      return data.read(kafka.bootstrap);
    });
    await scenario('a broker of ours takes the place of Kafka 3.9 that has stopped', async () => {
      await kafka.shutDown();
      assertFormats(kafka);
      const transactions = transactionsIn(kafka);
      const odradek = await startOdradek({ overrides: { ...settings, 'log.dirs': kafka.dataDirectory } });
      ours.broker = odradek;
      await data.read(odradek.bootstrap);
      await data.write(odradek.bootstrap, 'odradek');
      const told = await data.read(odradek.bootstrap);
      assertJavaReads(odradek.bootstrap, data);
      await odradek.shutDown();
      assert.deepEqual(transactionsIn(kafka), transactions, 'what is kept of transactions');
      return told;
    });
    await scenario('Kafka 3.9 takes it back, with the transactional ids that it had', async () => {
      await kafka.startAgain();
      await data.read(kafka.bootstrap);
      await data.write(kafka.bootstrap, 'kafka');
      return data.read(kafka.bootstrap);
    });
    await scenario('the same when Kafka was killed', async () => {
      const odradek = ours.broker!;
      await kafka.kill();
      await sessionsOver();
      await odradek.startAgain();
      await data.read(odradek.bootstrap);
      await data.write(odradek.bootstrap, 'odradek');
      return data.read(odradek.bootstrap);
    });
    await scenario('and back, when ours was killed', async () => {
      await ours.broker!.kill();
      await sessionsOver();
      await kafka.startAgain();
      const told = await data.read(kafka.bootstrap);
      assertJavaReads(kafka.bootstrap, data);
      return told;
    });
  } finally {
    await ours.broker?.stop();
    await kafka.stop();
    await zookeeper.stop();
  }
}

/** Somebody else's consumer sees the same. */
function assertJavaReads(bootstrap: string, data: HandedOver): void {
  const expected = data.known(TRANSACTED);
  assert.deepEqual(consume(bootstrap, TRANSACTED, expected.length, 'read_committed'), expected);
}

/** That the old topics are really of the old formats. */
function assertFormats({ dataDirectory }: RunningKafka): void {
  for (const [name, magic] of [
    ['of-0.9.0', 0],
    ['of-0.10.2', 1],
    ['varied', 2],
  ] as const) {
    const printed = dump('3.9', logFiles(join(dataDirectory, `${name}-0`)), []);
    const found = new Set([...printed.matchAll(/ magic: (\d)/g)].map((match) => Number(match[1])));
    assert.deepEqual([...found], [magic], name);
  }
}

/** What Kafka's decoder of transaction logs prints of those on the disk. */
function transactionsIn({ dataDirectory }: RunningKafka): string[] {
  const directories = readdirSync(dataDirectory).filter((name) => name.startsWith('__transaction_state-'));
  const files = directories.flatMap((name) => logFiles(join(dataDirectory, name)));
  const printed = dump('3.9', files, ['--transaction-log-decoder', '--deep-iteration']);
  const lines = printed.split('\n').filter((line) => line.includes('transactionalId'));
  assert.ok(lines.length > 0, printed);
  return lines;
}

function logFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(directory, name));
}

/** A killed broker holds its id until then. */
function sessionsOver(): Promise<void> {
  return sleep(SESSION_MS + 2 * ZOOKEEPER_TICK_MS);
}
