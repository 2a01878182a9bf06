import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { PromisedSession } from '../../../core/test/coordination/promised-session.ts';
import { ProducerIdService } from '../../src/producer-ids.ts';
import { TopicWorld } from './topic-world.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

const retriable = (error: unknown) =>
  error instanceof KafkaError && error.code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;

test('ids rise, none comes twice, over blocks, brokers and restarts', async () => {
  let world = await TopicWorld.start();
  const seen = new Set<number>();
  const take = async (service: ProducerIdService, count: number) => {
    const ids = await Promise.all(Array.from({ length: count }, () => service.next()));
    for (const id of ids) {
      assert.ok(!seen.has(id), `${id} came twice`);
      seen.add(id);
    }
  };
  const first = new ProducerIdService(world.session, 0, log);
  assert.equal(await first.next(), 0);
  seen.add(0);
  await take(first, 2500);
  const other = new ProducerIdService(world.tree.connect(), 1, log);
  await Promise.all([take(first, 1500), take(other, 1500)]);
  world = await world.restart();
  await take(new ProducerIdService(world.session, 0, log), 1);
  assert.ok(Math.max(...seen) >= 6000);
  world.stop();
});

test('when no block can be had the client is told to try again', async () => {
  const world = await TopicWorld.start();
  const session = new PromisedSession(world.session);
  await session.set('/latest_producer_id_block', 'broken');
  const service = new ProducerIdService(world.session, 0, log);
  await assert.rejects(service.next(), retriable);
  await session.set('/latest_producer_id_block', null);
  assert.equal(await service.next(), 0);
  world.stop();
});
