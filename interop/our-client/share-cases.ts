// Share groups (KIP-932), which Apache Kafka serves from 4.2 on.
import assert from 'node:assert/strict';
import {
  Cluster,
  Producer,
  ShareConsumer,
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
  describeShareGroup,
  listShareGroupOffsets,
  type AcknowledgementOutcome,
  type ShareConsumerOptions,
  type ShareRecord,
} from '@odradek/client/index.ts';
import { shareFetchApi } from '@odradek/protocol/generated/apis/share-fetch.ts';
import { prepare, sendNumbers } from '../share-groups/share-group.ts';
import type { Target } from '../targets/target.ts';
import { until, type Case } from './case.ts';

interface Setting {
  readonly target: Target;
  readonly topic: string;
  readonly groupId: string;
  readonly open: (options?: Partial<ShareConsumerOptions>) => ShareConsumer;
}

function shareCase(
  name: string,
  { partitions = 1, configs = {} }: { partitions?: number; configs?: Readonly<Record<string, string>> },
  run: (setting: Setting) => Promise<void>,
): Case {
  return {
    name: `share groups: ${name}`,
    needs: shareFetchApi,
    run: async (target) => {
      const topic = `share-${name.replaceAll(/[^a-z]+/g, '-')}`.slice(0, 60);
      const groupId = `${topic}-group`;
      const bootstrapServers = target.bootstrap;
      await prepare(bootstrapServers, { topic, groupId, partitions }, configs);
      const opened: ShareConsumer[] = [];
      const open = (options: Partial<ShareConsumerOptions> = {}): ShareConsumer => {
        const consumer = new ShareConsumer({ bootstrapServers, groupId, topics: [topic], ...options });
        opened.push(consumer);
        return consumer;
      };
      try {
        await run({ target, topic, groupId, open });
      } finally {
        await Promise.all(opened.map((consumer) => consumer.close()));
      }
    },
  };
}

/** Polls until so many have come. */
async function take(consumer: ShareConsumer, count: number): Promise<ShareRecord[]> {
  const taken: ShareRecord[] = [];
  await until(`${count} records`, async () => {
    taken.push(...(await consumer.poll(500)));
    return taken.length >= count;
  });
  return taken;
}

function numbersOf(records: readonly ShareRecord[]): number[] {
  return records.map(({ value }) => Number(value)).toSorted((a, b) => a - b);
}

const MEMBERS_ON_ONE_PARTITION = shareCase(
  'three members read one partition side by side, every record once',
  {},
  async ({ target, topic, groupId, open }) => {
    const seen: number[][] = [[], [], []];
    const outcomes: AcknowledgementOutcome[] = [];
    const members = seen.map((ofMember) => {
      const consumer = open({ maxPollRecords: 20, onAcknowledged: (told) => void outcomes.push(...told) });
      const running = consumer.run({
        concurrency: 5,
        eachMessage: async ({ value }) => {
          await new Promise((resolve) => setTimeout(resolve, 2));
          ofMember.push(Number(value));
        },
      });
      return { consumer, running };
    });
    await until('all are members', () => members.every(({ consumer }) => consumer.assignment.length === 1));
    for (let first = 0; first < 3_000; first += 100) {
      await sendNumbers(target.bootstrap, topic, 1, { first, count: 100 });
    }
    await until('all read', () => seen.flat().length >= 3_000);
    const cluster = new Cluster({ bootstrapServers: target.bootstrap });
    const group = await describeShareGroup(cluster, groupId);
    assert.equal(group.state, 'Stable');
    assert.equal(group.members.length, 3);
    assert.ok(group.members.every(({ partitions }) => partitions.length === 1));
    cluster.close();
    for (const { consumer } of members) await consumer.close();
    await Promise.all(members.map(({ running }) => running));
    assert.equal(seen.flat().length, 3_000, 'none twice');
    assert.equal(new Set(seen.flat()).size, 3_000, 'all of them');
    assert.ok(
      seen.every((ofMember) => ofMember.length > 100),
      `shared: ${seen.map(({ length }) => length).join()}`,
    );
    assert.deepEqual(
      outcomes.filter(({ error }) => error !== null),
      [],
    );
    const accepted = outcomes.filter(({ verdict }) => verdict === 'accept');
    assert.equal(accepted.flatMap(({ offsets }) => offsets).length, 3_000);
  },
);

const VERDICTS = shareCase(
  'accepted never comes again, released does and is counted, rejected never',
  {},
  async (s) => {
    await sendNumbers(s.target.bootstrap, s.topic, 1, { first: 0, count: 6 });
    const consumer = s.open({ acknowledgementMode: 'explicit' });
    const records = await take(consumer, 6);
    assert.deepEqual(numbersOf(records), [0, 1, 2, 3, 4, 5]);
    for (const [i, record] of records.entries()) {
      record.acknowledge(i < 2 ? 'accept' : i < 4 ? 'release' : 'reject');
    }
    const told = await consumer.commit();
    assert.deepEqual(
      told.map(({ verdict, offsets, error }) => `${verdict} ${offsets.join()} ${String(error)}`).toSorted(),
      ['accept 0,1 null', 'reject 4,5 null', 'release 2,3 null'],
    );
    const again = await take(consumer, 2);
    assert.deepEqual(numbersOf(again), [2, 3]);
    assert.deepEqual(
      again.map(({ deliveryCount }) => deliveryCount),
      [2, 2],
    );
    for (const record of again) record.acknowledge('accept');
    await consumer.close();
    const other = s.open();
    assert.deepEqual(await other.poll(2_000), [], 'nothing is left');
  },
);

const POISON = shareCase('a record whose handler always fails ends after its attempts', {}, async (s) => {
  await sendNumbers(s.target.bootstrap, s.topic, 1, { first: 0, count: 3 });
  const attempts: number[] = [];
  const good: number[] = [];
  const consumer = s.open();
  const running = consumer.run({
    eachMessage: ({ value, deliveryCount }) => {
      if (String(value) !== '1') return void good.push(Number(value));
      attempts.push(deliveryCount);
      throw new Error('poison');
    },
  });
  await until('it is given up', () => attempts.length === 5);
  await sendNumbers(s.target.bootstrap, s.topic, 1, { first: 3, count: 1 });
  await until('what follows is read', () => good.includes(3));
  await consumer.close();
  await running;
  assert.deepEqual(attempts, [1, 2, 3, 4, 5]);
  assert.deepEqual(good.toSorted(), [0, 2, 3]);
});

const LOCKS = shareCase(
  'locks are renewed while a handler works, and run out where they are not',
  { configs: { 'share.record.lock.duration.ms': '15000' } },
  async (s) => {
    await sendNumbers(s.target.bootstrap, s.topic, 1, { first: 0, count: 1 });
    const slow = s.open({ acknowledgementMode: 'explicit' });
    const [record] = await take(slow, 1);
    const forgetful = s.open({ renewLocks: false, acknowledgementMode: 'explicit' });
    // Longer than the lock, which is the shortest that Kafka allows.
    assert.deepEqual(await forgetful.poll(18_000), [], 'it is renewed');
    assert.equal(record!.signal.aborted, false);
    record!.acknowledge('release');
    const [again] = await take(forgetful, 1);
    assert.equal(again!.deliveryCount, 2);
    const [stolen] = await take(slow, 1);
    assert.equal(stolen!.deliveryCount, 3);
    await until('it is told', () => again!.signal.aborted);
    again!.acknowledge('accept');
    assert.deepEqual(
      (await forgetful.commit()).map(({ error }) => error?.name),
      ['AcquisitionLostError'],
    );
    stolen!.acknowledge('renew');
    stolen!.acknowledge('accept');
    assert.deepEqual(
      (await slow.commit()).map(({ error }) => error),
      [null],
    );
  },
);

const LIMIT = shareCase(
  'record_limit gives no more than was asked for, of a batch that has more',
  {},
  async (s) => {
    const producer = new Producer({ bootstrapServers: s.target.bootstrap, lingerMs: 50 });
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => producer.send({ topic: s.topic, value: Buffer.from(String(i)) })),
    );
    await producer.close();
    const consumer = s.open({
      acquireMode: 'record_limit',
      maxPollRecords: 7,
      acknowledgementMode: 'explicit',
    });
    const seen: number[] = [];
    await until('all', async () => {
      const records = await consumer.poll(500);
      assert.ok(records.length + consumer.metrics().recordsBuffered <= 7);
      for (const record of records) record.acknowledge('accept');
      seen.push(...numbersOf(records));
      return seen.length >= 50;
    });
    assert.deepEqual(seen, [...Array(50).keys()]);
  },
);

const OFFSETS = shareCase('offsets of a group are told, moved and deleted', { partitions: 2 }, async (s) => {
  await sendNumbers(s.target.bootstrap, s.topic, 2, { first: 0, count: 10 });
  const consumer = s.open();
  await take(consumer, 10);
  await consumer.commit();
  await consumer.close();
  const cluster = new Cluster({ bootstrapServers: s.target.bootstrap });
  try {
    const told = async (): Promise<string[]> =>
      (await listShareGroupOffsets(cluster, s.groupId))
        .map(({ partition, lag }) => `${partition}: ${lag} left`)
        .toSorted();
    assert.deepEqual(await told(), ['0: 0 left', '1: 0 left']);
    const changes = [{ topic: s.topic, partition: 1, startOffset: 3 }];
    assert.deepEqual(await alterShareGroupOffsets(cluster, s.groupId, changes), []);
    const again = s.open();
    const records = await take(again, 2);
    assert.deepEqual(
      records.map(({ partition, offset }) => [partition, offset]),
      [
        [1, 3],
        [1, 4],
      ],
    );
    await assert.rejects(alterShareGroupOffsets(cluster, s.groupId, changes), {
      codeName: 'NON_EMPTY_GROUP',
    });
    await again.close();
    assert.deepEqual([...(await deleteShareGroupOffsets(cluster, s.groupId, [s.topic]))], []);
    const fresh = s.open();
    assert.equal((await take(fresh, 10)).length, 10, 'it begins anew');
    await assert.rejects(describeShareGroup(cluster, 'no-such-group'), { codeName: 'GROUP_ID_NOT_FOUND' });
  } finally {
    cluster.close();
  }
});

const TRANSACTIONS = shareCase(
  'aborted transactions are left out where the group reads what is committed, markers always',
  { configs: { 'share.isolation.level': 'read_committed' } },
  async (s) => {
    const producer = new Producer({
      bootstrapServers: s.target.bootstrap,
      transactionalId: `${s.topic}-producer`,
    });
    await producer.initTransactions();
    for (let i = 0; i < 6; i++) {
      await producer.beginTransaction();
      await producer.send({ topic: s.topic, partition: 0, value: Buffer.from(String(i)) });
      await (i % 2 === 0 ? producer.commitTransaction() : producer.abortTransaction());
    }
    await producer.close();
    const consumer = s.open();
    assert.deepEqual(numbersOf(await take(consumer, 3)), [0, 2, 4]);
    await consumer.poll(1_000);
    await consumer.close();
    const cluster = new Cluster({ bootstrapServers: s.target.bootstrap });
    const offsets = await listShareGroupOffsets(cluster, s.groupId);
    cluster.close();
    assert.deepEqual(
      offsets.map(({ lag }) => lag),
      [0],
      'markers and what was aborted are done with, too',
    );
  },
);

const NOT_SERVED: Case = {
  name: 'share groups: where there are none, the first call says what to use instead',
  run: async ({ bootstrap: bootstrapServers, name }) => {
    if (name === 'kafka-4.4') return;
    const consumer = new ShareConsumer({ bootstrapServers, groupId: 'none-here', topics: ['none-here'] });
    await assert.rejects(consumer.poll(30_000), { code: 'UNSUPPORTED_API', message: /use GroupConsumer/ });
    await consumer.close();
  },
};

export const shareCases: readonly Case[] = [
  NOT_SERVED,
  MEMBERS_ON_ONE_PARTITION,
  VERDICTS,
  POISON,
  LIMIT,
  OFFSETS,
  TRANSACTIONS,
  LOCKS,
];
