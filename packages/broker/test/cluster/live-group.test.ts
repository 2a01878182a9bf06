import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupConsumer, Producer } from '@odradek/client/index.ts';
import { EmbeddedCluster } from './embedded-cluster.ts';

const GROUP = 'g';
const PARTITIONS = 3;
const STALL_MS = 15_000;

/** Members of a group that read what a producer sends without pause, and commit. */
class LiveGroup {
  /** How often each value was read. */
  readonly read = new Map<string, number>();
  private readonly producer: Producer;
  private readonly members: readonly GroupConsumer[];
  private sentCount = 0;
  private isOver = false;
  private readonly running: Promise<unknown>[];

  constructor(bootstrapServers: string) {
    this.producer = new Producer({ bootstrapServers });
    const options = { bootstrapServers, groupId: GROUP, topics: ['t'], offsetReset: 'earliest' } as const;
    this.members = [0, 1].map(() => new GroupConsumer({ ...options, autoCommitIntervalMs: 20 }));
    this.running = [this.send(), ...this.members.map((member) => this.poll(member))];
  }

  /** So many more values are read, by whoever. @throws when nothing is read for too long */
  async goOn(count: number): Promise<void> {
    const wanted = this.read.size + count;
    let before = -1;
    let sinceMs = performance.now();
    while (this.read.size < wanted) {
      if (this.read.size > before) {
        before = this.read.size;
        sinceMs = performance.now();
      }
      const stalledMs = performance.now() - sinceMs;
      assert.ok(stalledMs < STALL_MS, `nothing was read for ${Math.round(stalledMs)} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** All that was sent is read; the members leave. @returns how many values were sent */
  async end(): Promise<number> {
    this.isOver = true;
    await this.running[0];
    await this.goOn(this.sentCount - this.read.size);
    await Promise.all(this.running);
    await this.close();
    return this.sentCount;
  }

  async close(): Promise<void> {
    this.isOver = true;
    await Promise.all([this.producer.close(), ...this.members.map((member) => member.close())]);
  }

  private async send(): Promise<void> {
    while (!this.isOver) {
      const partition = this.sentCount % PARTITIONS;
      await this.producer.send({ topic: 't', partition, value: Buffer.from(`value ${this.sentCount}`) });
      this.sentCount += 1;
    }
  }

  private async poll(member: GroupConsumer): Promise<void> {
    while (!this.isOver || this.read.size < this.sentCount) {
      for (const { records } of await member.poll(50)) {
        for (const { value } of records)
          this.read.set(String(value), (this.read.get(String(value)) ?? 0) + 1);
      }
    }
    // What the last poll gave counts as processed with the next.
    await member.poll(0);
  }
}

test('a group at work goes on while its coordinator moves, by orderly stops and by deaths, and loses no commit', async (t) => {
  const cluster = await EmbeddedCluster.start(t, [1, 2, 3], {
    'offsets.topic.num.partitions': '1',
    'offsets.topic.replication.factor': '3',
    'group.initial.rebalance.delay.ms': '0',
  });
  await cluster.createTopic(
    't',
    Array.from({ length: PARTITIONS }, () => [1, 2, 3]),
  );
  const group = new LiveGroup(cluster.bootstrapServers);
  t.after(() => group.close());
  const coordinator = async (): Promise<number> => {
    const [anyone] = cluster.ids;
    const { leader } = await cluster.partition(anyone!, '__consumer_offsets', 0, ({ leader: id, isr }) => {
      return cluster.ids.includes(id) && isr.length === 3;
    });
    return leader;
  };
  const committed = () => Promise.all([0, 1, 2].map((index) => cluster.committed(GROUP, 't', index)));
  await group.goOn(50);
  for (const end of ['stop', 'kill', 'stop'] as const) {
    const id = await coordinator();
    const before = await committed();
    await (end === 'stop' ? cluster.stop(id) : cluster.kill(id));
    const after = await committed();
    after.forEach((offset, index) =>
      assert.ok(offset >= before[index]!, `partition ${index}: ${offset} after ${before[index]}`),
    );
    await group.goOn(50);
    await cluster.startBroker(id);
    await group.goOn(50);
  }
  const sentCount = await group.end();
  assert.equal(group.read.size, sentCount);
  const ends = await committed();
  assert.equal(
    ends.reduce((sum, offset) => sum + offset, 0),
    sentCount,
    'all is committed',
  );
});
