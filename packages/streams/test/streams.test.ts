// Whole applications on a broker in process.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  StreamsBuilder,
  Streams,
  nullable,
  strings,
  type StreamsOptions,
  type Topology,
} from '@odradek/streams';
import { startBroker, type TestBroker } from '@odradek/testing';
import { finalCounts, makeTopics, sendAll } from './support/topics.ts';

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
