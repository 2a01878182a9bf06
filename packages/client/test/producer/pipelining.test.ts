// Several batches of one partition in flight: order and uniqueness, whatever becomes of which. The broker of these tests
// checks sequence numbers as real ones do.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { readBatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { decodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import fc from 'fast-check';
import type { ProducerOptions } from '../../src/producer/producer-options.ts';
import { Producer } from '../../src/producer/producer.ts';
import { CUT, ScriptedBroker } from '../support/scripted-broker.ts';

let broker: ScriptedBroker;
let producers: Producer[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  producers = [];
  let nextId = 1_000;
  broker.on(initProducerIdApi, () => ({ errorCode: 0, producerId: nextId++, producerEpoch: 0 }));
});

afterEach(async () => {
  await Promise.all(producers.map((producer) => producer.close(0)));
  await broker.close();
});

function producerOf(options: Partial<ProducerOptions> = {}): Producer {
  const settings = { lingerMs: 0, batchSizeBytes: 1, retryBackoffMs: 1, retryBackoffMaxMs: 2, ...options };
  const producer = new Producer({ bootstrapServers: broker.bootstrapServers, ...settings });
  producers.push(producer);
  return producer;
}

/** What a broker knows of a producer: the batches it wrote last, and the number that comes next. */
class ProducerState {
  next = 0;
  readonly last: number[] = [];
}

/** What becomes of a produce request: written or not, answered or not. */
type Fate = 'written' | 'answer-lost' | 'request-lost' | 'refused' | 'written-late' | 'invalid';

const REFUSALS: Partial<Record<Fate, number>> = {
  refused: ErrorCode.NOT_ENOUGH_REPLICAS,
  invalid: ErrorCode.INVALID_RECORD,
};

/** One partition's log behind a leader that checks sequence numbers; its fates come in turn, then all is written. */
class Leader {
  readonly log: string[] = [];
  inFlightMax = 0;
  private readonly states = new Map<number, ProducerState>();
  private requests = 0;
  private readonly fates: readonly Fate[];
  private readonly gate: () => Promise<void>;

  constructor(fates: readonly Fate[] = [], gate = (): Promise<void> => Promise.resolve()) {
    this.fates = fates;
    this.gate = gate;
    broker.on(produceApi, async (request) => {
      const { name, topicId, partitionData } = request.topicData[0]!;
      const { index, records } = partitionData[0]!;
      const fate = this.fates[this.requests++] ?? 'written';
      const answer = fate === 'request-lost' ? null : this.take(records!, fate);
      await this.gate();
      this.inFlightMax = Math.max(this.inFlightMax, broker.waiting);
      if (answer === null || fate === 'answer-lost') return CUT;
      return { responses: [{ name, topicId, partitionResponses: [{ index, ...answer }] }] };
    });
  }

  private take(records: Buffer, fate: Fate): { errorCode: number; baseOffset: number } {
    const { producerId, baseSequence, recordCount } = readBatchHeader(records, 0);
    const state = this.states.get(producerId);
    if (state?.last.includes(baseSequence)) return { errorCode: 0, baseOffset: -1 };
    const refusal = REFUSALS[fate];
    if (refusal !== undefined) return { errorCode: refusal, baseOffset: -1 };
    // Of a producer that it does not know a leader takes any number.
    if (state !== undefined && state.next !== baseSequence) {
      return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
    }
    const kept = state ?? new ProducerState();
    this.states.set(producerId, kept);
    kept.next = baseSequence + recordCount!;
    kept.last.push(baseSequence);
    if (kept.last.length > 5) kept.last.shift();
    const baseOffset = this.log.length;
    this.log.push(...decodeRecordBatch(records).map(({ value }) => String(value)));
    const errorCode = fate === 'written-late' ? ErrorCode.REQUEST_TIMED_OUT : 0;
    return { errorCode, baseOffset };
  }
}

async function sendAll(producer: Producer, values: readonly string[]): Promise<string[]> {
  const outcomes = await Promise.allSettled(
    values.map((value) => producer.send({ topic: 't', partition: 0, value: Buffer.from(value) })),
  );
  return values.filter((_, index) => outcomes[index]!.status === 'fulfilled');
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`);

test('several batches of a partition are in flight, once the leader has acknowledged one; never more than five', async () => {
  let open = (): void => {};
  let gate = Promise.resolve();
  const leader = new Leader([], () => gate);
  const producer = producerOf();
  await sendAll(producer, ['first']);
  gate = new Promise((resolve) => (open = resolve));
  const sending = sendAll(producer, numbered(20));
  while (broker.waiting < 5) await new Promise((resolve) => setImmediate(resolve));
  // More would have come with them.
  await new Promise((resolve) => setImmediate(resolve));
  open();
  await sending;
  assert.equal(leader.inFlightMax, 5);
  assert.deepEqual(leader.log, ['first', ...numbered(20)]);
});

test('a leader that knows nothing of the producer yet gets one batch at a time: it would take any number', async () => {
  const leader = new Leader(['refused']);
  assert.deepEqual(await sendAll(producerOf(), numbered(5)), numbered(5));
  assert.deepEqual(leader.log, numbered(5));
});

test('without idempotence one batch of a partition is in flight', async () => {
  const leader = new Leader([], () => new Promise((resolve) => setImmediate(resolve)));
  await sendAll(producerOf({ idempotent: false }), numbered(10));
  assert.equal(leader.inFlightMax, 1);
});

test('what is refused among several in flight is written in its place, those behind it after it', async () => {
  const leader = new Leader(['written', 'written', 'refused']);
  const producer = producerOf();
  await sendAll(producer, ['first']);
  assert.deepEqual(await sendAll(producer, numbered(10)), numbered(10));
  assert.deepEqual(leader.log, ['first', ...numbered(10)]);
});

test('a record that is refused for good leaves no gap: what was in flight behind it takes its number', async () => {
  const leader = new Leader(['written', 'written', 'invalid']);
  const producer = producerOf();
  await sendAll(producer, ['first']);
  const written = await sendAll(producer, numbered(10));
  assert.deepEqual(written, numbered(10).toSpliced(1, 1));
  assert.deepEqual(leader.log, ['first', ...written]);
});

test('whatever becomes of requests, what is acknowledged is in the log once, and in order', async () => {
  const fate = fc.constantFrom<Fate>(
    'written',
    'answer-lost',
    'request-lost',
    'refused',
    'written-late',
    'invalid',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 12 }), async (fates) => {
      const leader = new Leader(['written', ...fates]);
      const producer = producerOf();
      await sendAll(producer, ['first']);
      const written = await sendAll(producer, numbered(12));
      assert.deepEqual(leader.log, ['first', ...written]);
    }),
    { numRuns: 30 },
  );
});
