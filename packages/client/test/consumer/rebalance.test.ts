import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { TopicPartition } from '../../src/cluster/topic-partition.ts';
import { ASSIGNOR_NAMES } from '../../src/consumer/assignors/assignors.ts';
import type { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import type { GroupConsumerOptions } from '../../src/consumer/group-options.ts';
import { LiveCluster, until } from '../support/live-cluster.ts';

let live: LiveCluster;

before(async () => {
  live = await LiveCluster.start();
});

afterEach(() => live.closeConsumers());

after(() => live.stop());

type Given = Partial<GroupConsumerOptions> & Pick<GroupConsumerOptions, 'groupId' | 'topics'>;

/** A member that notes what happens to it, and polls until it is told to stop. */
class Member {
  readonly consumer: GroupConsumer;
  readonly events: string[] = [];
  readonly values: string[] = [];
  private isPolling = true;
  private readonly polling: Promise<void>;

  constructor(given: Given) {
    const note =
      (what: string) =>
      (partitions: readonly TopicPartition[]): void =>
        void this.events.push(`${what} ${numbers(partitions)}`);
    this.consumer = live.consumer({
      onAssigned: note('assigned'),
      onRevoked: note('revoked'),
      onLost: note('lost'),
      ...given,
    });
    this.polling = this.poll();
  }

  get partitions(): string {
    return numbers(this.consumer.assignment);
  }

  async stop(): Promise<void> {
    this.isPolling = false;
    this.consumer.wake();
    await this.polling;
  }

  private async poll(): Promise<void> {
    while (this.isPolling) {
      for (const { records } of await this.consumer.poll(50))
        this.values.push(...records.map(({ value }) => String(value)));
    }
  }
}

function numbers(partitions: readonly TopicPartition[]): string {
  return partitions
    .map(({ partition }) => partition)
    .toSorted()
    .join(',');
}

for (const assignor of ASSIGNOR_NAMES) {
  test(`${assignor}: members come and go, every record is read once`, async () => {
    const topic = await live.topic(4, 5);
    const groupId = live.newName('group');
    const given = { groupId, topics: [topic], assignors: [assignor] };
    const first = new Member(given);
    await until(() => first.values.length === 20);
    assert.equal(first.partitions, '0,1,2,3');
    const second = new Member(given);
    await until(() => first.consumer.assignment.length === 2 && second.consumer.assignment.length === 2);
    await live.fill(topic, 4, 5, 10);
    await until(() => first.values.length + second.values.length === 40);
    await first.stop();
    await first.consumer.close();
    await until(() => second.consumer.assignment.length === 4);
    await live.fill(topic, 4, 10, 12);
    await until(() => first.values.length + second.values.length === 48);
    await second.stop();
    await second.consumer.close();
    const all = [...first.values, ...second.values];
    assert.equal(new Set(all).size, 48, 'none twice');
    assert.deepEqual(await live.committed(groupId, topic, 4), { 0: 12, 1: 12, 2: 12, 3: 12 });
  });
}

test('eager: everything is revoked and assigned anew', async () => {
  const topic = await live.topic(2);
  const given = { groupId: live.newName('group'), topics: [topic], assignors: ['range' as const] };
  const first = new Member(given);
  await until(() => first.partitions === '0,1');
  const second = new Member(given);
  await until(() => first.partitions.length === 1 && second.partitions.length === 1);
  assert.deepEqual(first.events, ['assigned 0,1', 'revoked 0,1', `assigned ${first.partitions}`]);
  assert.deepEqual(second.events, [`assigned ${second.partitions}`]);
  await Promise.all([first.stop(), second.stop()]);
  await first.consumer.close();
  assert.equal(first.events.at(-1), `revoked ${first.partitions || first.events[2]!.slice(9)}`);
});

test('client pitfall E10: cooperative: only what moves is revoked, the rest is read on', async () => {
  const topic = await live.topic(4);
  const given = {
    groupId: live.newName('group'),
    topics: [topic],
    assignors: ['cooperative-sticky' as const],
  };
  const first = new Member(given);
  await until(() => first.partitions === '0,1,2,3');
  const second = new Member(given);
  await until(() => second.partitions.length === 3);
  assert.deepEqual(first.events, ['assigned 0,1,2,3', `revoked ${second.partitions}`]);
  assert.deepEqual(second.events, [`assigned ${second.partitions}`]);
  await Promise.all([first.stop(), second.stop()]);
});

test('client pitfall D9: nothing of a revoked partition is handed out while the listener runs', async () => {
  const topic = await live.topic(1, 3);
  const groupId = live.newName('group');
  let release: () => void = () => undefined;
  const revoking = new Promise<void>((resolve) => (release = resolve));
  let isRevoking = false;
  const first = new Member({
    groupId,
    topics: [topic],
    onRevoked: () => {
      isRevoking = true;
      return revoking;
    },
  });
  await until(() => first.values.length === 3);
  const second = new Member({ groupId, topics: [topic] });
  await until(() => isRevoking);
  await live.fill(topic, 1, 3, 6);
  assert.deepEqual(first.values.length, 3);
  release();
  await until(() => first.values.length + second.values.length === 6);
  await Promise.all([first.stop(), second.stop()]);
});

test('records one by one: a rebalance ends them after the one at hand, and none is left out', async () => {
  const topic = await live.topic(1, 10);
  const groupId = live.newName('group');
  const consumer = live.consumer({ groupId, topics: [topic] });
  let second: Member | null = null;
  const first: string[] = [];
  const reading = (async () => {
    for await (const { value, offset } of consumer.records()) {
      first.push(String(value));
      if (offset !== 2) continue;
      second = new Member({ groupId, topics: [topic] });
      await until(() => consumer.position({ topic, partition: 0 }) === null);
    }
  })();
  await until(() => first.length + (second?.values.length ?? 0) === 10);
  const seen = [...first, ...second!.values];
  assert.deepEqual(
    seen,
    Array.from({ length: 10 }, (_, i) => `p0-${i}`),
  );
  await second!.stop();
  await consumer.close();
  await reading;
});

test('client pitfall H5: what the listener marks as processed is committed before others start', async () => {
  const topic = await live.topic(1, 4);
  const groupId = live.newName('group');
  const consumer: GroupConsumer = live.consumer({
    groupId,
    topics: [topic],
    autoCommitIntervalMs: 0,
    onRevoked: () => consumer.markProcessed([{ topic, partition: 0, offset: 2 }]),
  });
  while ((await consumer.poll(100)).length === 0);
  await consumer.close();
  assert.deepEqual(await live.committed(groupId, topic, 1), { 0: 2 });
});

test('client pitfall E12: what a listener throws comes out of the next poll, and the group goes on', async () => {
  const topic = await live.topic(1, 1);
  const consumer = live.consumer({
    groupId: live.newName('group'),
    topics: [topic],
    onAssigned: () => {
      throw new Error('no room for that');
    },
  });
  await assert.rejects(async () => {
    for (;;) await consumer.poll(100);
  }, /no room for that/);
  let records = 0;
  while (records === 0) for (const batch of await consumer.poll(100)) records += batch.records.length;
});

test('seek in the listener decides where reading begins', async () => {
  const topic = await live.topic(1, 5);
  const member: Member = new Member({
    groupId: live.newName('group'),
    topics: [topic],
    onAssigned: (partitions) => partitions.forEach((at) => member.consumer.seek(at, 3)),
  });
  await until(() => member.values.length > 0);
  assert.equal(member.values[0], 'p0-3');
  await member.stop();
});

test('client pitfall F6: nothing is read while the listener gets ready, and it may look up what is committed', async () => {
  const topic = await live.topic(1, 5);
  let release: (() => void) | null = null;
  const member: Member = new Member({
    groupId: live.newName('group'),
    topics: [topic],
    onAssigned: async (partitions) => {
      assert.equal((await member.consumer.committed(partitions)).size, 0);
      await new Promise<void>((resolve) => (release = resolve));
    },
  });
  await until(() => release !== null);
  // Five polls, and what was fetched would have come.
  for (let i = 0; i < 5; i++) await member.consumer.committed();
  assert.deepEqual(member.values, []);
  release!();
  await until(() => member.values.length === 5);
  await member.stop();
});

test('client pitfall E2: who does not ask for more in time loses its partitions, and may come back', async () => {
  const topic = await live.topic(1, 2);
  const groupId = live.newName('group');
  const events: string[] = [];
  const stuck = live.consumer({
    groupId,
    topics: [topic],
    maxPollIntervalMs: 150,
    maxPollRecords: 1,
    onLost: () => void events.push('lost'),
    onRevoked: () => void events.push('revoked'),
  });
  while ((await stuck.poll(100)).length === 0);
  // It holds a record and does nothing.
  const other = new Member({ groupId, topics: [topic] });
  await until(() => other.values.length === 2);
  assert.deepEqual(other.values, ['p0-0', 'p0-1'], 'nothing was committed in its name');
  await other.stop();
  await other.consumer.close();
  await live.fill(topic, 1, 2, 3);
  const values: string[] = [];
  while (values.length === 0) {
    for (const { records } of await stuck.poll(100))
      values.push(...records.map(({ value }) => String(value)));
  }
  assert.deepEqual([values, events], [['p0-2'], ['lost']]);
});

test('client pitfall E2: who stops polling while it holds nothing loses its partitions too', async () => {
  const topic = await live.topic(1);
  const groupId = live.newName('group');
  const idle = live.consumer({ groupId, topics: [topic], maxPollIntervalMs: 150 });
  await until(async () => {
    await idle.poll(10);
    return idle.assignment.length === 1;
  });
  const other = new Member({ groupId, topics: [topic] });
  await until(() => other.partitions === '0');
  assert.deepEqual(idle.assignment, []);
  await other.stop();
});

test('client pitfall J4: after the loop was blocked for longer than the session nothing is committed', async () => {
  const topic = await live.topic(1, 2);
  const groupId = live.newName('group');
  const events: string[] = [];
  const blocked = live.consumer({
    groupId,
    topics: [topic],
    sessionTimeoutMs: 500,
    heartbeatIntervalMs: 50,
    onLost: () => void events.push('lost'),
  });
  while ((await blocked.poll(100)).length === 0);
  const sinceMs = performance.now();
  while (performance.now() - sinceMs < 800);
  // The coordinator lives in this very loop and has not noticed yet, the member has.
  await assert.rejects(
    blocked.commit([{ topic, partition: 0, offset: 2 }]),
    /UNKNOWN_MEMBER_ID|without this member/,
  );
  assert.deepEqual(await live.committed(groupId, topic, 1), {});
  let again = 0;
  while (again === 0) for (const { records } of await blocked.poll(100)) again += records.length;
  assert.deepEqual(events, ['lost']);
});

test('client pitfall E15: a static member that comes back in time finds its partitions, nobody rebalances', async () => {
  const topic = await live.topic(2, 1);
  const groupId = live.newName('group');
  const given = { groupId, topics: [topic], sessionTimeoutMs: 10_000 };
  const first = new Member({ ...given, instanceId: 'one' });
  const second = new Member({ ...given, instanceId: 'two' });
  await until(() => first.partitions.length === 1 && second.partitions.length === 1);
  const before = second.events.length;
  const had = first.partitions;
  await first.stop();
  await first.consumer.close();
  const back = new Member({ ...given, instanceId: 'one' });
  await until(() => back.partitions === had);
  assert.equal(second.events.length, before);
  await Promise.all([back.stop(), second.stop()]);
});

test('client pitfall E15: of two members with one instance id the older one fails, for good', async () => {
  const topic = await live.topic(1);
  const given = {
    groupId: live.newName('group'),
    topics: [topic],
    instanceId: 'twin',
    sessionTimeoutMs: 10_000,
  };
  const older = live.consumer(given);
  await until(async () => {
    await older.poll(10);
    return older.assignment.length === 1;
  });
  const newer = new Member(given);
  await until(() => newer.partitions === '0');
  for (let i = 0; i < 2; i++) {
    await assert.rejects(async () => {
      for (;;) await older.poll(20);
    }, /FENCED_INSTANCE_ID/);
  }
  assert.equal(newer.partitions, '0');
  await newer.stop();
});
