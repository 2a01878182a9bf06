import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import type { FetchRequest } from '@odradek/protocol/generated/fetch-request.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts';
import { Consumer } from '../../src/consumer/consumer.ts';
import { until } from '../support/live-cluster.ts';
import { CUT, SILENCE, ScriptedBroker } from '../support/scripted-broker.ts';

let broker: ScriptedBroker;
let consumers: Consumer[];
/** What each partition answers to a fetch at an offset, besides the error code. */
let answers: Map<number, (offset: number) => Partial<PartitionAnswer>>;

interface PartitionAnswer {
  errorCode: number;
  records: Buffer | null;
  highWatermark: number;
}

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  consumers = [];
  answers = new Map();
  broker.on(fetchApi, (request) => fetchAnswer(request));
  broker.on(listOffsetsApi, (request) => offsetsAnswer(request, (timestamp) => (timestamp === -1 ? 100 : 0)));
});

afterEach(async () => {
  for (const consumer of consumers) consumer.close();
  await broker.close();
});

function consumerOf(options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = new Consumer({
    bootstrapServers: broker.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 10,
    fetchMaxWaitMs: 20,
    ...options,
  });
  consumers.push(consumer);
  return consumer;
}

function fetchAnswer(request: FetchRequest): object {
  return {
    errorCode: 0,
    sessionId: 0,
    responses: request.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition, fetchOffset }) => ({
        partitionIndex: partition,
        errorCode: 0,
        highWatermark: 100,
        records: null,
        ...answers.get(partition)?.(fetchOffset),
      })),
    })),
  };
}

function offsetsAnswer(
  request: { topics: { name: string; partitions: { partitionIndex: number; timestamp: number }[] }[] },
  offsetAt: (timestamp: number) => number,
  errorCode = 0,
): object {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => ({
        partitionIndex,
        errorCode,
        timestamp: -1,
        offset: errorCode === 0 ? offsetAt(timestamp) : -1,
      })),
    })),
  };
}

/** Records of ten bytes each at these offsets, in one batch. */
function batch(baseOffset: number, count = 1, sizeBytes = 10): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({
    key: null,
    value: Buffer.alloc(sizeBytes, `${baseOffset + i} `),
    timestamp: 1,
  }));
  return encodeRecordBatch({ baseOffset, records });
}

/** The log has records up to an offset. */
function logUpTo(end: number): (offset: number) => Partial<PartitionAnswer> {
  return (offset) => (offset < end ? { records: batch(offset, Math.min(end - offset, 3)) } : {});
}

async function offsetsOf(consumer: Consumer, count: number): Promise<string[]> {
  const found: string[] = [];
  while (found.length < count) {
    for (const { partition, records } of await consumer.poll(1_000)) {
      found.push(...records.map(({ offset }) => `${partition}:${offset}`));
    }
  }
  return found;
}

function fetches(partition: number): { fetchOffset: number; currentLeaderEpoch: number }[] {
  return broker
    .bodies(fetchApi)
    .flatMap(({ topics }) => topics.flatMap((topic) => topic.partitions))
    .filter((each) => each.partition === partition);
}

test('partitions are read from where the caller says', async () => {
  answers.set(0, logUpTo(7));
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 3 }]);
  assert.deepEqual(await offsetsOf(consumer, 4), ['0:3', '0:4', '0:5', '0:6']);
  assert.equal(consumer.position({ topic: 't', partition: 0 }), 7);
  await assert.rejects(
    consumer.assign([{ topic: 't', partition: 9, from: 0 }]),
    /has partitions 0 to 1, not 9/,
  );
});

test('client pitfall D9: records of a fetch that was under way when the caller moved are not delivered', async () => {
  let release: (answer: object) => void = () => undefined;
  let held: FetchRequest | null = null;
  broker.on(fetchApi, (request) => {
    if (held !== null) return fetchAnswer(request);
    held = request;
    return new Promise((resolve) => (release = resolve));
  });
  answers.set(0, (offset) => ({ records: batch(offset) }));
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  const polling = consumer.poll(1_000);
  await until(() => held !== null);
  consumer.seek({ topic: 't', partition: 0 }, 50);
  release(fetchAnswer(held!));
  assert.equal((await polling)[0]?.records[0]?.offset, 50);
});

test('client pitfall D10: a lookup that was under way does not undo a seek', async () => {
  let release: () => void = () => undefined;
  let isHeld = false;
  broker.on(listOffsetsApi, (request) => {
    isHeld = true;
    return new Promise((resolve) => (release = () => resolve(offsetsAnswer(request, () => 100))));
  });
  answers.set(0, (offset) => ({ records: batch(offset) }));
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 'latest' }]);
  const polling = consumer.poll(2_000);
  await until(() => isHeld);
  consumer.seek({ topic: 't', partition: 0 }, 5);
  release();
  assert.equal((await polling)[0]?.records[0]?.offset, 5);
});

test('client pitfall D11: seeks to two partitions of a topic both count', async () => {
  for (const partition of [0, 1]) answers.set(partition, (offset) => ({ records: batch(offset) }));
  const consumer = consumerOf({ maxPollRecords: 1 });
  await consumer.assign([0, 1].map((partition) => ({ topic: 't', partition, from: 0 })));
  consumer.seek({ topic: 't', partition: 0 }, 10);
  consumer.seek({ topic: 't', partition: 1 }, 20);
  assert.deepEqual((await offsetsOf(consumer, 2)).toSorted(), ['0:10', '1:20']);
});

test('client pitfall D12: what was fetched of a paused partition is kept and delivered once resumed', async () => {
  answers.set(0, (offset) => (offset === 0 ? { records: batch(0, 4) } : {}));
  const consumer = consumerOf({ maxPollRecords: 1 });
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  assert.deepEqual(await offsetsOf(consumer, 1), ['0:0']);
  consumer.pause([{ topic: 't', partition: 0 }]);
  assert.deepEqual(await consumer.poll(50), []);
  consumer.resume([{ topic: 't', partition: 0 }]);
  assert.deepEqual(await offsetsOf(consumer, 3), ['0:1', '0:2', '0:3']);
  assert.equal(fetches(0).filter(({ fetchOffset }) => fetchOffset === 0).length, 1);
});

test('client pitfall D13: with everything paused nothing is asked', async () => {
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  consumer.pause([{ topic: 't', partition: 0 }]);
  await consumer.poll(100);
  assert.equal(fetches(0).length, 0);
});

test('client pitfall D14: errors that pass do not reset the position', async () => {
  const codes: number[] = [
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.UNKNOWN_LEADER_EPOCH,
    ErrorCode.OFFSET_NOT_AVAILABLE,
    ErrorCode.REPLICA_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_SERVER_ERROR,
  ].slice(0, 6);
  answers.set(0, (offset) => {
    const errorCode = codes.shift();
    return errorCode === undefined ? { records: batch(offset) } : { errorCode };
  });
  const consumer = consumerOf({ offsetReset: 'latest' });
  await consumer.assign([{ topic: 't', partition: 0, from: 42 }]);
  assert.deepEqual(await offsetsOf(consumer, 1), ['0:42']);
  assert.equal(broker.bodies(listOffsetsApi).length, 0);
});

test('an offset out of range: the reset that was chosen, or an error', async () => {
  answers.set(0, (offset) =>
    offset === 42 ? { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE } : { records: batch(offset) },
  );
  for (const [offsetReset, expected] of [
    ['earliest', 0],
    ['latest', 100],
  ] as const) {
    const consumer = consumerOf({ offsetReset });
    await consumer.assign([{ topic: 't', partition: 0, from: 42 }]);
    assert.equal((await offsetsOf(consumer, 1))[0], `0:${expected}`);
    await consumer.close();
  }
  const consumer = consumerOf({ offsetReset: 'none' });
  await consumer.assign([{ topic: 't', partition: 0, from: 42 }]);
  await assert.rejects(consumer.poll(1_000), {
    code: ErrorCode.OFFSET_OUT_OF_RANGE,
    message: 't-0: offset 42 is not in the log',
  });
});

test('client pitfall D19: after a fenced leader epoch the new one is asked for and used', async () => {
  let epoch = 3;
  broker.on(metadataApi, () => broker.clusterOf('t', 1, epoch));
  answers.set(0, (offset) => {
    // As long as it is the old one that is named: another attempt may come before the metadata.
    if (fetches(0).at(-1)!.currentLeaderEpoch === 3) {
      epoch = 4;
      return { errorCode: ErrorCode.FENCED_LEADER_EPOCH };
    }
    return { records: batch(offset) };
  });
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  await offsetsOf(consumer, 1);
  const epochs = fetches(0).map(({ currentLeaderEpoch }) => currentLeaderEpoch);
  assert.equal(epochs[0], 3);
  assert.ok(epochs.includes(4));
});

test('client pitfall D21: an offset that is not available yet is asked for again', async () => {
  let refusals = 2;
  broker.on(listOffsetsApi, (request) =>
    refusals-- > 0
      ? offsetsAnswer(request, () => -1, ErrorCode.OFFSET_NOT_AVAILABLE)
      : offsetsAnswer(request, () => 7),
  );
  answers.set(0, (offset) => ({ records: batch(offset) }));
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 'latest' }]);
  assert.deepEqual(await offsetsOf(consumer, 1), ['0:7']);
});

test('a time after the last record means what comes next', async () => {
  broker.on(listOffsetsApi, (request) => offsetsAnswer(request, (timestamp) => (timestamp === -1 ? 9 : -1)));
  answers.set(0, (offset) => ({ records: batch(offset) }));
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: { timestampMs: 5_000 } }]);
  assert.deepEqual(await offsetsOf(consumer, 1), ['0:9']);
});

test('client pitfall D24: a fetch whose connection is cut is made again', async () => {
  let cuts = 3;
  broker.on(fetchApi, (request) => (cuts-- > 0 ? CUT : fetchAnswer(request)));
  answers.set(0, logUpTo(2));
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  assert.deepEqual(await offsetsOf(consumer, 2), ['0:0', '0:1']);
  assert.equal(consumer.trouble, null);
});

test('client pitfall D24: a fetch without an answer is given up in time', async () => {
  let silences = 1;
  broker.on(fetchApi, (request) => (silences-- > 0 ? SILENCE : fetchAnswer(request)));
  answers.set(0, logUpTo(1));
  const consumer = consumerOf({ requestTimeoutMs: 50 });
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  assert.deepEqual(await offsetsOf(consumer, 1), ['0:0']);
});

test('client pitfall D25: a corrupt batch stops its partition with an error, not the others; a seek goes past it', async () => {
  const broken = Buffer.from(batch(2));
  broken[broken.length - 1]! ^= 1;
  answers.set(0, (offset) => {
    if (offset < 2) return { records: Buffer.concat([batch(0), batch(1), broken]) };
    return offset === 2 ? { records: broken } : { records: batch(offset) };
  });
  answers.set(1, logUpTo(9));
  const consumer = consumerOf();
  await consumer.assign([0, 1].map((partition) => ({ topic: 't', partition, from: 0 })));
  const found: string[] = [];
  let failures = 0;
  while (found.filter((each) => each.startsWith('1:')).length < 9 || failures < 2) {
    try {
      found.push(...(await offsetsOf(consumer, 1)));
    } catch (error) {
      failures++;
      assert.deepEqual(
        { ...(error as object) },
        {
          code: 'UNREADABLE_RECORDS',
          retriable: false,
          name: 'UnreadableRecordsError',
          topic: 't',
          partition: 0,
          offset: 2,
        },
      );
    }
  }
  assert.deepEqual(
    found.filter((each) => each.startsWith('0:')),
    ['0:0', '0:1'],
  );
  assert.equal(consumer.trouble?.partition, 0);
  consumer.seek({ topic: 't', partition: 0 }, 3);
  consumer.pause([{ topic: 't', partition: 1 }]);
  assert.equal((await offsetsOf(consumer, 1))[0], '0:3');
});

test('client pitfall D4: a batch larger than the room for it is asked for again with more', async () => {
  const large = batch(0, 1, 100_000);
  broker.on(fetchApi, (request) => {
    const { partitionMaxBytes } = request.topics[0]!.partitions[0]!;
    answers.set(0, (offset) => (offset === 0 ? { records: large.subarray(0, partitionMaxBytes) } : {}));
    return fetchAnswer(request);
  });
  const consumer = consumerOf({ partitionFetchMaxBytes: 1_000 });
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  assert.deepEqual(await offsetsOf(consumer, 1), ['0:0']);
});

test('client pitfall D28: a caller who does not ask bounds what is fetched', async () => {
  const sizeBytes = 10_000;
  for (const partition of [0, 1])
    answers.set(partition, (offset) => ({ records: batch(offset, 1, sizeBytes) }));
  const consumer = consumerOf({
    maxPollRecords: 1,
    fetchMaxBytes: 30_000,
    partitionFetchMaxBytes: 1_000_000,
  });
  await consumer.assign([0, 1].map((partition) => ({ topic: 't', partition, from: 0 })));
  for (let i = 0; i < 50; i++) await consumer.poll(100);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const asked = fetches(0).length + fetches(1).length;
  assert.ok(asked <= 50 + 8, `${asked} stretches for 50 records`);
});

test('client pitfall D29: partitions take turns', async () => {
  for (const partition of [0, 1]) answers.set(partition, (offset) => ({ records: batch(offset, 10) }));
  const consumer = consumerOf({ maxPollRecords: 5 });
  await consumer.assign([0, 1].map((partition) => ({ topic: 't', partition, from: 0 })));
  const found = await offsetsOf(consumer, 40);
  const ofOne = found.filter((each) => each.startsWith('0:')).length;
  assert.ok(ofOne >= 10 && ofOne <= 30, `${ofOne} of 40`);
});

test('trouble is told while attempts go on, and forgotten when they succeed', async () => {
  let isIll = true;
  answers.set(0, (offset) =>
    isIll ? { errorCode: ErrorCode.KAFKA_STORAGE_ERROR } : { records: batch(offset) },
  );
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  while (consumer.trouble === null) await consumer.poll(50);
  assert.match(consumer.trouble.error.message, /t-0: KAFKA_STORAGE_ERROR/);
  isIll = false;
  await offsetsOf(consumer, 1);
  assert.equal(consumer.trouble, null);
});

test('what no attempt can cure is thrown', async () => {
  answers.set(0, () => ({ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }));
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  await assert.rejects(consumer.poll(1_000), { code: ErrorCode.TOPIC_AUTHORIZATION_FAILED });
});

test('batches come one by one until the consumer is closed', async () => {
  answers.set(0, logUpTo(6));
  const consumer = consumerOf();
  await consumer.assign([{ topic: 't', partition: 0, from: 0 }]);
  const seen: number[] = [];
  for await (const { records } of consumer.batches()) {
    seen.push(...records.map(({ offset }) => offset));
    if (seen.length === 6) consumer.close();
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5]);
  await assert.rejects(consumer.poll(0), { code: 'CLOSED' });
});
