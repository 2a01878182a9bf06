// What the conversations speak of: topics that are the same on every broker, filled with the same bytes.
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import { encodeRecordBatch, type RecordBatchInput } from '@odradek/protocol/records/record-batch.ts';
import type { Target } from '../targets/target.ts';
import { untilCoordinated } from '../groups/prepare-broker.ts';
import { RawConnection } from '../wire/raw-connection.ts';
import { createTopics } from '../wire/topics.ts';
import type { Transcript } from '../wire/transcript.ts';

/** From these versions on, topics go by ids. */
export const PRODUCE_IDS_SINCE = 13;
export const FETCH_IDS_SINCE = 13;
/** A timestamp of all records, ms since 1970. */
export const TIME_MS = 1_700_000_000_000;
/** A topic id that nobody has. */
export const UNKNOWN_ID = 'PLCjFCrURl-DLzfJktinzw';

const PARTITIONS = 2;
const POLL_MS = 50;

/** Topics and their settings; `read` and `trimmed` are filled. */
const topicSettings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: {},
  small: { 'max.message.bytes': '1000' },
  compacted: { 'cleanup.policy': 'compact' },
  punctual: { 'message.timestamp.after.max.ms': '3600000', 'message.timestamp.before.max.ms': '3600000' },
  appended: { 'message.timestamp.type': 'LogAppendTime' },
  zipped: { 'compression.type': 'gzip' },
  read: {},
  trimmed: {},
};

export async function makeWorld(target: Target): Promise<void> {
  for (const [name, settings] of Object.entries(topicSettings)) {
    await createTopics(target, [name], PARTITIONS, settings);
  }
  const connection = await RawConnection.open(target.host, target.port);
  await untilCoordinated(connection);
  await untilProducerIds(connection);
  for (const name of ['read', 'trimmed']) await fill(connection, name);
  await connection.ask(deleteRecordsApi, 1, {
    topics: [{ name: 'trimmed', partitions: [{ partitionIndex: 0, offset: 5 }] }],
    timeoutMs: 5000,
  });
  connection.close();
}

/** A broker may need a moment for its first block of ids. */
async function untilProducerIds(connection: RawConnection): Promise<void> {
  const nobody = { transactionalId: null, transactionTimeoutMs: 1000 };
  for (let given = 0; given < 2;) {
    const { errorCode } = await connection.ask(initProducerIdApi, 1, nobody);
    if (errorCode === 0) given += 1;
    else await sleep(POLL_MS);
  }
}

/** Four batches of three records in partition 0, a second between any two records. */
async function fill(connection: RawConnection, name: string): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const records = batch({ count: 3, from: i * 3 });
    const topicData = [{ name, partitionData: [{ index: 0, records }] }];
    const { responses } = await connection.ask(produceApi, 8, { acks: -1, timeoutMs: 5000, topicData });
    const { errorCode } = responses[0]!.partitionResponses[0]!;
    if (errorCode !== 0) throw new Error(`filling ${name}: error ${errorCode}`);
  }
}

interface RecordChanges {
  readonly count?: number;
  /** The number of the first record: in its texts and its timestamp. */
  readonly from?: number;
  readonly key?: string | null;
  readonly valueSize?: number;
  readonly timestamp?: number;
}

type BatchChanges = RecordChanges & Partial<Omit<RecordBatchInput, 'records'>>;

export function recordsOf({ count = 1, from = 0, key, valueSize = 0, timestamp }: RecordChanges = {}) {
  return Array.from({ length: count }, (_, i) => ({
    key: key === null ? null : Buffer.from(key ?? `key ${from + i}`),
    value: Buffer.from(`value ${from + i}`.padEnd(valueSize, '.')),
    timestamp: timestamp ?? TIME_MS + (from + i) * 1000,
    headers: [],
  }));
}

/** A batch of format v2. */
export function batch(changes: BatchChanges = {}): Buffer {
  return encodeRecordBatch({ ...changes, records: recordsOf(changes) });
}

/** Records in the format that a produce request of this version should carry. */
export function recordsFor(produceVersion: number, changes: BatchChanges = {}): Buffer {
  if (produceVersion >= 3) return batch(changes);
  const { compression } = changes;
  return encodeMessageSet({
    magic: produceVersion === 2 ? 1 : 0,
    records: recordsOf(changes),
    ...(compression === undefined ? {} : { compression }),
  });
}

/** The ids of all topics, by name; the transcript calls each by its topic's name. */
export async function topicIds(t: Transcript): Promise<Map<string, string>> {
  const connection = await t.connection();
  const { topics } = await connection.ask(metadataApi, 10, { topics: null, allowAutoTopicCreation: false });
  const ids = new Map(topics.map(({ name, topicId }) => [name ?? '', topicId]));
  for (const [name, id] of ids) t.nameAs(id, `id of ${name}`);
  return ids;
}
