// The client's groups, with members of ours only and beside Apache Kafka's own consumer.
import assert from 'node:assert/strict';
import {
  ASSIGNOR_NAMES,
  Cluster,
  GroupConsumer,
  Producer,
  createTopic,
  describeGroup,
  type AssignorName,
  type GroupConsumerOptions,
} from '@odradek/client/index.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import type { Target } from '../targets/target.ts';
import { until, type Case } from './case.ts';
import { JavaMember } from './java-member.ts';

const PARTITIONS = 4;

type MemberOptions = Pick<
  GroupConsumerOptions,
  'groupId' | 'topics' | 'assignors' | 'instanceId' | 'groupProtocol'
>;

/** Reads on its own until it is stopped. */
class Member {
  readonly consumer: GroupConsumer;
  readonly values: string[] = [];
  private readonly running: Promise<void>;

  constructor(target: Target, given: MemberOptions) {
    this.consumer = new GroupConsumer({
      bootstrapServers: target.bootstrap,
      offsetReset: 'earliest',
      ...(given.groupProtocol === 'consumer' ? {} : { heartbeatIntervalMs: 200, sessionTimeoutMs: 10_000 }),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    } as GroupConsumerOptions);
    this.running = this.consumer.run({
      concurrency: 2,
      eachMessage: ({ value }) => void this.values.push(String(value)),
    });
  }

  get share(): number {
    return this.consumer.assignment.length;
  }

  async stop(): Promise<void> {
    await this.consumer.close();
    await this.running;
  }
}

class Topic {
  readonly name: string;
  private readonly target: Target;
  private sent = 0;

  constructor(target: Target, name: string) {
    this.target = target;
    this.name = name;
  }

  async create(): Promise<void> {
    const cluster = new Cluster({ bootstrapServers: this.target.bootstrap });
    await createTopic(cluster, { name: this.name, partitions: PARTITIONS, replicationFactor: 1 });
    cluster.close();
  }

  /** So many more to each partition. @returns how many there are in all */
  async fill(each: number): Promise<number> {
    const producer = new Producer({ bootstrapServers: this.target.bootstrap });
    const sends: Promise<unknown>[] = [];
    for (let i = 0; i < each; i++) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        sends.push(producer.send({ topic: this.name, partition, value: Buffer.from(`v${this.sent++}`) }));
      }
    }
    await Promise.all(sends);
    await producer.close();
    return this.sent;
  }
}

function assignorCase(assignor: AssignorName): Case {
  return {
    name: `${assignor}: members come and go, every record read once`,
    run: async (target) => {
      await membersComeAndGo(target, `members-${assignor}`, { assignors: [assignor] });
    },
  };
}

const NEXT_GENERATION: Case = {
  name: 'KIP-848: members come and go, every record read once, and one that comes later goes on',
  needs: consumerGroupHeartbeatApi,
  refusedBy: ['kafka-3.9'],
  run: async (target) => {
    const { topic, given } = await membersComeAndGo(target, 'members-848', { groupProtocol: 'consumer' });
    const third = new Member(target, given);
    await topic.fill(5);
    await until('the third goes on', () => third.values.length === PARTITIONS * 5);
    await third.stop();
  },
};

/** One member, two, the other one; records are sent meanwhile. @returns the topic, and what members are made with */
async function membersComeAndGo(
  target: Target,
  name: string,
  protocol: Pick<GroupConsumerOptions, 'assignors' | 'groupProtocol'>,
): Promise<{ topic: Topic; given: MemberOptions }> {
  const topic = new Topic(target, name);
  await topic.create();
  const given = { groupId: `group-of-${name}`, topics: [topic.name], ...protocol };
  const first = new Member(target, given);
  let total = await topic.fill(50);
  await until('all read by the first', () => first.values.length === total);
  const second = new Member(target, given);
  await until('shared', () => first.share === 2 && second.share === 2);
  total = await topic.fill(50);
  const read = (): number => first.values.length + second.values.length;
  await until('all read by both', () => read() === total);
  await first.stop();
  await until('all with the second', () => second.share === PARTITIONS);
  total = await topic.fill(10);
  await until('all read by the second', () => read() === total);
  await second.stop();
  assert.equal(new Set([...first.values, ...second.values]).size, total, 'none twice');
  return { topic, given };
}

function besideJavaCase(assignor: AssignorName, leader: 'ours' | 'Java'): Case {
  return {
    name: `${assignor} beside Java, ${leader} leading`,
    run: async (target) => {
      const topic = new Topic(target, `java-${assignor}-${leader}`);
      await topic.create();
      const groupId = `group-java-${assignor}-${leader}`;
      const cluster = new Cluster({ bootstrapServers: target.bootstrap });
      const shares = async (): Promise<string> => {
        const { members, state } = await describeGroup(cluster, groupId);
        return `${state} ${members
          .map(({ partitions }) => partitions.length)
          .toSorted()
          .join('+')}`;
      };
      const startJava = (): JavaMember => new JavaMember(target.bootstrap, groupId, topic.name, assignor);
      const startOurs = (): Member =>
        new Member(target, { groupId, topics: [topic.name], assignors: [assignor] });
      const early = leader === 'Java' ? startJava() : startOurs();
      let late: JavaMember | Member | null = null;
      try {
        let total = await topic.fill(10);
        await until('the first reads', () => early.values.length === total);
        late = leader === 'Java' ? startOurs() : startJava();
        await until('shared', async () => (await shares()) === 'Stable 2+2');
        total = await topic.fill(25);
        const read = (): string[] => [...early.values, ...late!.values];
        await until('both read', () => new Set(read()).size === total);
        await early.stop();
        await until('all with the second', async () => (await shares()) === 'Stable 4');
        total = await topic.fill(5);
        await until('the second reads on', () => new Set(read()).size === total);
      } finally {
        await early.stop();
        await late?.stop();
        cluster.close();
      }
    },
  };
}

const STATIC_MEMBER: Case = {
  name: 'a static member comes back to its partitions, nobody else is disturbed',
  run: async (target) => {
    const topic = new Topic(target, 'static-members');
    await topic.create();
    const given = { groupId: 'group-static', topics: [topic.name] };
    const one = new Member(target, { ...given, instanceId: 'one' });
    const two = new Member(target, { ...given, instanceId: 'two' });
    await until('shared', () => one.share === 2 && two.share === 2);
    const had = one.consumer.assignment;
    await one.stop();
    const again = new Member(target, { ...given, instanceId: 'one' });
    await until('back', () => again.share === 2);
    assert.deepEqual(again.consumer.assignment, had);
    assert.equal(two.share, 2);
    const total = await topic.fill(5);
    await until('read', () => again.values.length + two.values.length === total);
    await again.stop();
    await two.stop();
  },
};

export const clientCases: readonly Case[] = [
  ...ASSIGNOR_NAMES.map(assignorCase),
  NEXT_GENERATION,
  STATIC_MEMBER,
  ...ASSIGNOR_NAMES.flatMap((assignor) => [
    besideJavaCase(assignor, 'ours'),
    besideJavaCase(assignor, 'Java'),
  ]),
];
