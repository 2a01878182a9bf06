import { randomBytes } from 'node:crypto';
import { Consumer, Producer } from '@odradek/client/index.ts';
import { CLIENT_OPTIONS, type TestTopic } from './history-reader.ts';
import type { World } from './world.ts';

/** What every broker may copy, and have copied, of throttled partitions. */
const RATE_BYTES_PER_SECOND = 400_000;
const VALUE_BYTES = 20_000;
/** At the rate a new replica takes ten seconds; without it, one. */
const VALUES_PER_PARTITION = 200;
/** A throttle counts what has gone already: a fetch may be too large by itself. */
const TOLERANCE = 0.7;
const READ_DEADLINE_MS = 60_000;

/**
 * Moves a topic of some megabytes under a throttle, and the one that clients write to without, and restarts two brokers
 * in the midst of it.
 *
 * @throws Error when it was faster than the throttle allows, or a record of the large topic is not there afterwards
 */
export async function moveThrottled(world: World, topic: string): Promise<void> {
  const large = await world.createTopic(`${topic}-large`);
  const values = await fill(large);
  await world.throttle(large.name, RATE_BYTES_PER_SECOND);
  const begin = performance.now();
  await world.moveOn(large.name);
  await world.moveOn(topic);
  for (const broker of world.brokers.slice(0, 2)) {
    await broker.stop();
    await broker.start();
  }
  await world.allMoved();
  const tookMs = performance.now() - begin;
  await world.throttle(large.name, null);
  const atRateMs = (VALUES_PER_PARTITION * VALUE_BYTES * 1_000) / RATE_BYTES_PER_SECOND;
  if (tookMs < TOLERANCE * atRateMs)
    throw new Error(`moved within ${Math.round(tookMs)} ms, at the rate it takes ${atRateMs}`);
  await readAll(large, values);
  await world.deleteTopic(large.name);
}

async function fill({ name, partitions, bootstrapServers }: TestTopic): Promise<Set<string>> {
  const producer = new Producer({ bootstrapServers, ...CLIENT_OPTIONS });
  const values = new Set<string>();
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < VALUES_PER_PARTITION * partitions; i++) {
    const value = randomBytes(VALUE_BYTES / 2).toString('hex');
    values.add(value);
    sent.push(producer.send({ topic: name, partition: i % partitions, value: Buffer.from(value) }));
  }
  await Promise.all(sent);
  await producer.close();
  return values;
}

async function readAll(
  { name, partitions, bootstrapServers }: TestTopic,
  wanted: Set<string>,
): Promise<void> {
  const consumer = new Consumer({ bootstrapServers, ...CLIENT_OPTIONS });
  try {
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, from: 0 }));
    await consumer.assign(all);
    const deadlineMs = performance.now() + READ_DEADLINE_MS;
    while (wanted.size > 0 && performance.now() < deadlineMs) {
      for (const { records } of await consumer.poll(1_000))
        for (const { value } of records) wanted.delete(String(value));
    }
  } finally {
    await consumer.close();
  }
  if (wanted.size > 0) throw new Error(`${wanted.size} records of ${name} are lost`);
}
