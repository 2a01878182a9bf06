import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import type { ProduceRequestInput } from '@odradek/protocol/generated/produce-request.ts';
import { computeBatchCrc, readBatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import type { Conversation } from '../wire/compare-with-kafka.ts';
import type { Transcript } from '../wire/transcript.ts';
import { PRODUCE_IDS_SINCE, UNKNOWN_ID, batch, recordsFor, recordsOf, topicIds } from './world.ts';

const CRC_AT = 17;
const LAST_OFFSET_DELTA_AT = 23;
const RECORD_COUNT_AT = 57;
const SIZE_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const timeoutMs = 5000;

type Ask = (label: string, topic: string, records: Buffer | null, changes?: Changes) => Promise<unknown>;
type Changes = Partial<ProduceRequestInput> & { partition?: number };

/** Asks in one version about one partition. */
function asking(t: Transcript, version: number, ids: ReadonlyMap<string, string>): Ask {
  return (label, topic, records, { partition = 0, ...changes } = {}) =>
    t.ask(label, produceApi, version, {
      acks: -1,
      timeoutMs,
      topicData: [
        {
          ...(version < PRODUCE_IDS_SINCE ? { name: topic } : { topicId: ids.get(topic) ?? UNKNOWN_ID }),
          partitionData: [{ index: partition, records }],
        },
      ],
      ...changes,
    });
}

const requests: Conversation = async (t) => {
  const ids = await topicIds(t);
  for (const version of t.versionsOf(produceApi)) {
    const ask = asking(t, version, ids);
    const good = recordsFor(version);
    await ask('good, all', 'plain', good);
    await ask('good, one', 'plain', good, { acks: 1 });
    await ask('acks of 2', 'plain', good, { acks: 2 });
    await ask('acks of -2', 'plain', good, { acks: -2 });
    await ask('negative timeout', 'plain', good, { timeoutMs: -1 });
    await ask('no timeout', 'plain', good, { timeoutMs: 0 });
    await ask('unknown topic', 'absent', good);
    await ask('unknown partition', 'plain', good, { partition: 99 });
    await ask('negative partition', 'plain', good, { partition: -1 });
    await ask('no topics', 'plain', good, { topicData: [] });
    await ask('log append time', 'appended', good);
    if (version < PRODUCE_IDS_SINCE) {
      await ask('a topic of no name', '', good);
      await ask('a topic of a bad name', 'no such/name', good);
      await ask('the offsets topic', '__consumer_offsets', good);
      await ask('no partitions', 'plain', good, { topicData: [{ name: 'plain', partitionData: [] }] });
      const [plain, small] = ['plain', 'small'].map((name) => ({
        name,
        partitionData: [{ index: 0, records: good }],
      }));
      await ask('two topics', 'plain', good, { topicData: [plain!, small!] });
      const both = [0, 1].map((index) => ({ index, records: good }));
      await ask('two partitions', 'plain', good, { topicData: [{ name: 'plain', partitionData: both }] });
    }
    if (version >= 3) await ask('a transactional id', 'plain', good, { transactionalId: 'nobody' });
  }
};

const records: Conversation = async (t) => {
  const ids = await topicIds(t);
  for (const version of t.versionsOf(produceApi)) {
    const ask = asking(t, version, ids);
    if (version === t.newest(produceApi)) await ask('null', 'plain', null);
    await ask('of no bytes', 'plain', Buffer.alloc(0));
    await ask('three at once', 'plain', recordsFor(version, { count: 3 }));
    await ask('gzip', 'plain', recordsFor(version, { count: 3, compression: 1 }));
    await ask('snappy', 'plain', recordsFor(version, { count: 3, compression: 2 }));
    await ask('lz4', 'plain', recordsFor(version, { count: 3, compression: 3 }));
    if (version >= 3) await ask('zstd', 'plain', recordsFor(version, { count: 3, compression: 4 }));
    await ask('recompressed by the topic', 'zipped', recordsFor(version, { count: 3 }));
    await ask('too large', 'small', recordsFor(version, { valueSize: 2000 }));
    await ask('without a key, compacted', 'compacted', recordsFor(version, { key: null }));
    await ask('with a key, compacted', 'compacted', recordsFor(version));
    await ask('of long ago', 'punctual', recordsFor(version));
    await ask('of the future', 'punctual', recordsFor(version, { timestamp: Date.now() + 86_400_000 }));
    await ask('of now', 'punctual', recordsFor(version, { timestamp: Date.now() }));
    await ask('of format v0', 'plain', encodeMessageSet({ magic: 0, records: recordsOf() }));
    await ask('of format v1', 'plain', encodeMessageSet({ magic: 1, records: recordsOf() }));
    await ask('of format v2', 'plain', batch());
    const good = recordsFor(version);
    await ask('cut short', 'plain', good.subarray(0, good.length - 3));
    await ask('with bytes behind', 'plain', Buffer.concat([good, Buffer.alloc(5)]));
    await ask('twice', 'plain', Buffer.concat([good, good]));
    await ask('with a byte changed', 'plain', changed(good, good.length - 1));
    await ask('with a changed byte, log append time', 'appended', changed(good, good.length - 1));
  }
};

/** Fields of the header that lie; their checksum is right. */
const batches: Conversation = async (t) => {
  const ids = await topicIds(t);
  for (const version of t.versionsOf(produceApi).filter((candidate) => candidate >= 3)) {
    const ask = asking(t, version, ids);
    const lying = (at: number, value: number) => {
      const bytes = batch({ count: 3 });
      bytes.writeInt32BE(value, at);
      return withChecksum(bytes);
    };
    await ask('of more records than there are', 'plain', lying(RECORD_COUNT_AT, 4));
    await ask('of fewer records than there are', 'plain', lying(RECORD_COUNT_AT, 2));
    await ask('of no records', 'plain', lying(RECORD_COUNT_AT, 0));
    await ask('of a negative number of records', 'plain', lying(RECORD_COUNT_AT, -1));
    await ask('of a larger last offset', 'plain', lying(LAST_OFFSET_DELTA_AT, 5));
    await ask('of a negative last offset', 'plain', lying(LAST_OFFSET_DELTA_AT, -1));
    await ask('of a larger size', 'plain', lying(SIZE_AT, 5000));
    await ask('of a negative size', 'plain', lying(SIZE_AT, -1));
    await ask('of a size of 0', 'plain', lying(SIZE_AT, 0));
    await ask('of a wrong checksum', 'plain', changed(batch(), CRC_AT));
    await ask('of format v3', 'plain', changed(batch(), MAGIC_AT, 3));
    await ask('of format -1', 'plain', changed(batch(), MAGIC_AT, 0xff));
    await ask('of codec 5', 'plain', withChecksum(changed(batch(), ATTRIBUTES_AT + 1, 5)));
    await ask('of an unused attribute', 'plain', withChecksum(changed(batch(), ATTRIBUTES_AT, 0x10)));
    await ask('of a base offset', 'plain', batch({ baseOffset: 1000 }));
    await ask('of a leader epoch', 'plain', batch({ partitionLeaderEpoch: 7 }));
    await ask('of log append time', 'plain', batch({ timestampType: 'log-append', logAppendTimeMs: 5 }));
    await ask('of control records', 'plain', batch({ isControl: true }));
    await ask('of a delete horizon', 'plain', batch({ deleteHorizonMs: 5 }));
  }
};

const idempotence: Conversation = async (t) => {
  const ids = await topicIds(t);
  let producerId = 1_000_000;
  for (const version of t.versionsOf(produceApi).filter((candidate) => candidate >= 3)) {
    const ask = asking(t, version, ids);
    const by = (baseSequence: number, changes: Parameters<typeof batch>[0] = {}) =>
      batch({ count: 3, producerId, producerEpoch: 5, baseSequence, ...changes });
    producerId += 1;
    await ask('a first batch', 'plain', by(0));
    await ask('the same again', 'plain', by(0));
    await ask('the next', 'plain', by(3));
    await ask('the first again', 'plain', by(0));
    await ask('a gap', 'plain', by(9));
    await ask('going back within', 'plain', by(1));
    await ask('an older epoch', 'plain', by(6, { producerEpoch: 4 }));
    await ask('a newer epoch, not from 0', 'plain', by(6, { producerEpoch: 6 }));
    await ask('a newer epoch, from 0', 'plain', by(0, { producerEpoch: 6 }));
    await ask('the epoch before', 'plain', by(6));
    for (const next of [3, 6, 9, 12, 15, 18]) await ask('on', 'plain', by(next, { producerEpoch: 6 }));
    await ask('one that is forgotten', 'plain', by(0, { producerEpoch: 6 }));
    await ask('another partition, not from 0', 'plain', by(5), { partition: 1 });
    producerId += 1;
    await ask('an unknown producer, not from 0', 'plain', by(7));
    producerId += 1;
    await ask('no epoch', 'plain', by(0, { producerEpoch: -1 }));
    await ask('no sequence', 'plain', by(-1));
    await ask('two batches', 'plain', Buffer.concat([by(0), by(3)]));
    producerId += 1;
    await ask('the largest sequence', 'plain', by(0x7ffffffe));
    await ask('over the largest sequence', 'plain', by(1));
    producerId += 1;
    await ask('transactional', 'plain', by(0, { isTransactional: true }));
    await ask('transactional, with its id', 'plain', by(0, { isTransactional: true }), {
      transactionalId: 'nobody',
    });
  }
};

/** acks=0 is not answered: what has come of it shows by the end of the log. */
const withoutAnswers: Conversation = async (t) => {
  const ids = await topicIds(t);
  for (const version of t.versionsOf(produceApi)) {
    const send = async (label: string, topic: string, records: Buffer) => {
      const connection = await t.connection();
      connection.tell(produceApi, version, {
        acks: 0,
        timeoutMs,
        topicData: [
          {
            ...(version < PRODUCE_IDS_SINCE ? { name: topic } : { topicId: ids.get(topic) ?? UNKNOWN_ID }),
            partitionData: [{ index: 1, records }],
          },
        ],
      });
      const latest = [{ partitionIndex: 1, timestamp: -1 }];
      const question = { replicaId: -1, topics: [{ name: 'small', partitions: latest }] };
      await t.ask(`${label}, then (v${version})`, listOffsetsApi, 4, question, connection);
    };
    await send('good', 'small', recordsFor(version));
    await send('too large', 'small', recordsFor(version, { valueSize: 2000 }));
    await send('damaged', 'small', changed(recordsFor(version), 40));
    await send('to an unknown topic', 'absent', recordsFor(version));
  }
};

export const produceConversations: Readonly<Record<string, Conversation>> = {
  'produce requests': requests,
  'produced records': records,
  'produced batches that lie': batches,
  'produced idempotently': idempotence,
  'produced without answers': withoutAnswers,
};

function changed(bytes: Buffer, at: number, value = bytes[at]! ^ 0xff): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}

function withChecksum(bytes: Buffer): Buffer {
  const size = bytes.readInt32BE(SIZE_AT);
  bytes.writeInt32BE(bytes.length - 12, SIZE_AT);
  bytes.writeUInt32BE(computeBatchCrc(readBatchHeader(bytes, 0)), CRC_AT);
  bytes.writeInt32BE(size, SIZE_AT);
  return bytes;
}
