// Whole applications on a broker in process.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster, deleteTopic } from '@odradek/client';
import {
  Streams,
  StreamsBuilder,
  json,
  nullable,
  strings,
  type StreamsOptions,
  type Topology,
} from '@odradek/streams';
import { startBroker, type TestBroker } from '@odradek/testing';
import { finalCounts, makeTopics, readTopic, sendAll } from './support/topics.ts';

let broker: TestBroker;
let directory: string;

before(async () => {
  broker = await startBroker();
  directory = mkdtempSync(join(tmpdir(), 'streams-'));
});

after(async () => {
  await broker.close();
  rmSync(directory, { recursive: true });
});

function wordCount(prefix: string): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(`${prefix}-lines`, { key: nullable(strings), value: strings })
    .flatMapValues((line) => line.split(' '), strings)
    .groupBy((word) => word, { name: 'by-word', key: strings })
    .count({ store: 'words' })
    .toStream()
    .to(`${prefix}-counts`);
  return builder.build();
}

/** An instance, and what it says. */
class Instance {
  readonly streams: Streams;
  readonly running: Promise<void>;
  readonly events: string[] = [];
  private readonly waiting: { readonly type: string; readonly resolve: () => void }[] = [];

  constructor(options: Omit<StreamsOptions, 'bootstrapServers'>) {
    this.streams = new Streams({
      bootstrapServers: broker.bootstrapServers,
      guarantee: 'at-least-once',
      commitIntervalMs: 20,
      fetchMaxWaitMs: 20,
      heartbeatIntervalMs: 50,
      ...options,
      onEvent: ({ type }) => {
        this.events.push(type);
        for (const one of this.waiting) if (one.type === type) one.resolve();
      },
    });
    this.running = this.streams.run();
    this.running.catch(() => undefined);
  }

  seen(type: string): Promise<void> {
    return this.events.includes(type) ? Promise.resolve() : this.next(type);
  }

  next(type: string): Promise<void> {
    return new Promise((resolve) => this.waiting.push({ type, resolve }));
  }

  async close(): Promise<void> {
    await this.streams.close();
    await this.running;
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('words are counted over a restart, and only what is missing is restored', async () => {
  await makeTopics(broker.bootstrapServers, { 'a-lines': 2, 'a-counts': 1 });
  const send = (lines: readonly string[]): Promise<void> =>
    sendAll(
      broker.bootstrapServers,
      lines.map((line) => ({ topic: 'a-lines', key: null, value: Buffer.from(line) })),
    );
  const counted = async (word: string, count: number): Promise<boolean> =>
    (await finalCounts(broker.bootstrapServers, 'a-counts')).get(word) === count;
  await send(['to be', 'or not', 'to be']);
  const options = { applicationId: 'a', topology: wordCount('a'), directory };
  const first = new Instance(options);
  await until(async () => (await counted('to', 2)) && (await counted('not', 1)));
  await first.close();
  await send(['to do']);
  const second = new Instance(options);
  await until(() => counted('to', 3));
  assert.equal(second.streams.metrics().restored, 0);
  await second.close();
  await send(['to go']);
  const third = new Instance({ applicationId: 'a', topology: wordCount('a') });
  await until(() => counted('to', 4));
  assert.ok(third.streams.metrics().restored >= 5, 'in memory all of it is read again');
  await third.close();
});

test('an instance that comes takes half of the tasks, and the one that stays takes them back', async () => {
  await makeTopics(broker.bootstrapServers, { 'b-lines': 4, 'b-counts': 1 });
  const send = (partition: number, line: string): Promise<void> =>
    sendAll(broker.bootstrapServers, [{ topic: 'b-lines', key: null, value: Buffer.from(line), partition }]);
  const counts = (): Promise<Map<string, number>> => finalCounts(broker.bootstrapServers, 'b-counts');
  const options = { applicationId: 'b', topology: wordCount('b') };
  const first = new Instance({ ...options, directory: join(directory, 'first') });
  await first.seen('running');
  for (let i = 0; i < 8; i++) await send(i % 4, `word-${i} all`);
  await until(async () => (await counts()).get('all') === 8);
  const given = first.next('running');
  const second = new Instance({ ...options, directory: join(directory, 'second') });
  await second.seen('running');
  await given;
  assert.equal(first.streams.metrics().tasks.length, 4);
  assert.equal(second.streams.metrics().tasks.length, 4);
  for (let i = 0; i < 8; i++) await send(i % 4, `word-${i} all`);
  await until(async () => (await counts()).get('all') === 16);
  const returned = first.next('running');
  await second.close();
  await returned;
  assert.equal(first.streams.metrics().tasks.length, 8);
  for (let i = 0; i < 8; i++) await send(i % 4, `word-${i} all`);
  await until(async () => (await counts()).get('all') === 24);
  const told = await counts();
  for (let i = 0; i < 8; i++) assert.equal(told.get(`word-${i}`), 3);
  await first.close();
});

test('what cannot run says why: missing topics, other partition counts, a topology that throws, a directory in use', async () => {
  const { bootstrapServers } = broker;
  const texts = { key: nullable(strings), value: strings };
  const missing = new Instance({ applicationId: 'c', topology: wordCount('c'), topicTimeoutMs: 0 });
  await assert.rejects(missing.running, { code: 'MISSING_TOPICS', message: /c-lines, c-counts/ });

  await makeTopics(bootstrapServers, { 'c-two': 2, 'c-three': 3, 'c-fails': 1 });
  const apart = new StreamsBuilder();
  const table = apart.table('c-two', { key: strings, value: strings, store: 'two' });
  apart.stream('c-three', { key: strings, value: strings }).join(table, (a) => a);
  const different = new Instance({ applicationId: 'c2', topology: apart.build() });
  await assert.rejects(different.running, {
    code: 'NOT_COPARTITIONED',
    message: /c-two has 2, c-three has 3/,
  });

  const throwing = new StreamsBuilder();
  throwing.stream('c-fails', texts).peek((value) => {
    if (value === 'bad') throw new Error('too bad');
  });
  await sendAll(
    bootstrapServers,
    ['good', 'bad'].map((value) => ({ topic: 'c-fails', key: null, value: Buffer.from(value) })),
  );
  const failing = new Instance({ applicationId: 'c3', topology: throwing.build(), directory });
  const inUse = new Instance({ applicationId: 'c3', topology: throwing.build(), directory });
  await assert.rejects(inUse.running, { code: 'STATE_LOCKED' });
  await assert.rejects(failing.running, {
    code: 'HANDLER_FAILED',
    topic: 'c-fails',
    partition: 0,
    offset: 1,
  });
});

test('a record that cannot be read is left out where that is wanted, and counted', async () => {
  await makeTopics(broker.bootstrapServers, { 'd-in': 1, 'd-out': 1 });
  const builder = new StreamsBuilder();
  const numbers = builder.stream('d-in', { key: nullable(strings), value: json<number>() });
  numbers.mapValues((value) => value + 1, json<number>()).to('d-out');
  await sendAll(
    broker.bootstrapServers,
    ['1', 'nonsense', '2'].map((value) => ({ topic: 'd-in', key: null, value: Buffer.from(value) })),
  );
  const offsets: number[] = [];
  const instance = new Instance({
    applicationId: 'd',
    topology: builder.build(),
    onInvalidRecord: (_, { offset }) => {
      offsets.push(offset);
      return 'skip';
    },
  });
  await until(async () => (await readTopic(broker.bootstrapServers, 'd-out')).length === 2);
  assert.deepEqual(offsets, [1]);
  assert.equal(instance.streams.metrics().skipped, 1);
  await instance.close();
});

test('a changelog that was made anew, or a file that is none, is noticed: all of it is read again', async () => {
  await makeTopics(broker.bootstrapServers, { 'e-in': 1, 'e-out': 1 });
  const topology = (): Topology => {
    const builder = new StreamsBuilder();
    const texts = { key: strings, value: strings };
    builder.stream('e-in', texts).groupByKey().count({ store: 'counted' }).toStream().to('e-out');
    return builder.build();
  };
  const send = (): Promise<void> =>
    sendAll(broker.bootstrapServers, [{ topic: 'e-in', key: Buffer.from('k'), value: Buffer.from('v') }]);
  const count = async (): Promise<number | undefined> =>
    (await finalCounts(broker.bootstrapServers, 'e-out')).get('k');
  const home = join(directory, 'damaged');
  const options = { applicationId: 'e', directory: home };
  const first = new Instance({ ...options, topology: topology() });
  await send();
  await until(async () => (await count()) === 1);
  await first.close();
  writeFileSync(
    join(home, 'e', '0_0.sqlite'),
    'this is no database, and long enough to be looked at as one '.repeat(99),
  );
  const second = new Instance({ ...options, topology: topology() });
  await send();
  await until(async () => (await count()) === 2);
  assert.equal(second.streams.metrics().restored, 1);
  await second.close();
  const cluster = new Cluster({ bootstrapServers: broker.bootstrapServers });
  await deleteTopic(cluster, 'e-counted-changelog');
  cluster.close();
  const third = new Instance({ ...options, topology: topology() });
  await send();
  await third.seen('rebuilding');
  await until(async () => (await count()) === 1);
  await third.close();
});

test('an option that does not exist is refused, with the name that was probably meant', () => {
  const given = { bootstrapServers: '127.0.0.1:1', applicationId: 'a', topology: wordCount('a') };
  const slip = { ...given, commitIntervallMs: 5 } as StreamsOptions;
  assert.throws(() => new Streams(slip), {
    code: 'BAD_OPTION',
    message: /did you mean "commitIntervalMs"\?/,
  });
});
