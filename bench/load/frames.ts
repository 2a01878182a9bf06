// The requests of the generator, built once and sent over and over, and the few fields of the answers that matter.
// In the newest versions that name topics and that Apache Kafka 3.9, 4.x and Odradek all serve.
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { writeRequestHeader } from '@odradek/protocol/request-header.ts';
import type { Acks, CompressionName } from './load-spec.ts';

const PRODUCE_VERSION = 11;
const FETCH_VERSION = 12;
const TIMEOUT_MS = 30_000;
const RECORD_OVERHEAD_BYTES = 10;
const BATCH_OVERHEAD_BYTES = 61;

const COMPRESSION_TYPES: Readonly<Record<CompressionName, CompressionType>> = {
  none: CompressionType.NONE,
  gzip: CompressionType.GZIP,
  snappy: CompressionType.SNAPPY,
  lz4: CompressionType.LZ4,
  zstd: CompressionType.ZSTD,
};

export interface Batch {
  readonly bytes: Buffer;
  readonly records: number;
  /** What it would have without compression. */
  readonly payloadBytes: number;
}

/** As many records as `batchBytes` takes. */
export function batchOf(
  batchBytes: number,
  recordBytes: number,
  compression: CompressionName = 'none',
): Batch {
  const count = Math.max(
    1,
    Math.floor((batchBytes - BATCH_OVERHEAD_BYTES) / (recordBytes + RECORD_OVERHEAD_BYTES)),
  );
  const timestamp = Date.now();
  const values = compression === 'none' ? noise(count, recordBytes) : events(count, recordBytes);
  const records = values.map((value) => ({ key: null, value, headers: [], timestamp }));
  const plain = encodeRecordBatch({ records });
  if (compression === 'none') return { bytes: plain, records: count, payloadBytes: plain.length };
  const bytes = encodeRecordBatch({ records, compression: COMPRESSION_TYPES[compression] });
  return { bytes, records: count, payloadBytes: plain.length };
}

/** Bytes that no compression would shrink. */
function noise(count: number, recordBytes: number): Buffer[] {
  const next = pseudoRandom();
  return Array.from({ length: count }, () => {
    const value = Buffer.allocUnsafe(recordBytes);
    for (let at = 0; at < recordBytes; at++) value[at] = next();
    return value;
  });
}

/** Text as applications log it, which shrinks to about a quarter. */
function events(count: number, recordBytes: number): Buffer[] {
  const next = pseudoRandom();
  const word = (): string => ['order', 'paid', 'shipped', 'returned', 'customer', 'basket'][next() % 6]!;
  return Array.from({ length: count }, (_, index) => {
    let text = `{"id":${index}`;
    while (text.length < recordBytes) text += `,"${word()}":"${word()}-${next() * 251 + next()}"`;
    return Buffer.from(text.slice(0, recordBytes));
  });
}

/** Bytes, the same in each run. */
function pseudoRandom(): () => number {
  let seed = 1;
  return () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 16) & 0xff;
  };
}

export function produceFrame(topic: string, partition: number, acks: Acks, batch: Batch): Buffer {
  return frameOf(produceApi, PRODUCE_VERSION, {
    acks,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: topic, partitionData: [{ index: partition, records: batch.bytes }] }],
  });
}

/** Where the index of the partition stands in a frame of `produceFrame`: the only place in which two frames differ. */
export function partitionPosition(topic: string, batch: Batch): number {
  const [one, other] = [produceFrame(topic, 0, 1, batch), produceFrame(topic, 1, 1, batch)];
  return one.findIndex((byte, at) => byte !== other[at]) - 3;
}

/** The error code of an answer to `produceFrame`. */
export function produceError(answer: Buffer, topic: string): number {
  // Correlation id, no tags, one topic with its name, one partition with its index: fixed sizes all.
  return answer.readInt16BE(12 + Buffer.byteLength(topic));
}

export function fetchFrame(topic: string, partition: number, offset: number, maxBytes: number): Buffer {
  return frameOf(fetchApi, FETCH_VERSION, {
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        partitions: [{ partition, fetchOffset: offset, logStartOffset: -1, partitionMaxBytes: maxBytes }],
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
  });
}

/** What stands behind the fetch offset: the rest of the one partition, no forgotten topics, no rack, no tags. */
const BEHIND_FETCH_OFFSET_BYTES = 21;

/** Makes a frame of `fetchFrame` ask for another offset. Not while it may still wait in a socket. */
export function setFetchOffset(frame: Buffer, offset: number): void {
  frame.writeBigInt64BE(BigInt(offset), frame.length - BEHIND_FETCH_OFFSET_BYTES - 8);
}

export interface FetchHead {
  readonly errorCode: number;
  readonly recordBytes: number;
  /** First offset of the first batch; -1 when there is none. */
  readonly baseOffset: number;
}

/** What matters of an answer to `fetchFrame`, read from its first bytes. */
export function readFetchHead(answer: Buffer, topic: string): FetchHead {
  const errorCode = answer.readInt16BE(9) || answer.readInt16BE(22 + Buffer.byteLength(topic));
  // High watermark, last stable offset, log start offset, no aborted transactions, preferred replica.
  let at = 24 + Buffer.byteLength(topic) + 24 + 1 + 4;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = answer[at++]!;
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  const recordBytes = Math.max(size - 1, 0);
  return { errorCode, recordBytes, baseOffset: recordBytes < 12 ? -1 : Number(answer.readBigInt64BE(at)) };
}

interface Sendable<Input> {
  readonly key: number;
  writeRequest(writer: Writer, message: Input, version: number): void;
}

function frameOf<Input>(api: Sendable<Input>, apiVersion: number, message: Input): Buffer {
  const writer = new Writer();
  writer.int32(0);
  const header = { apiKey: api.key, apiVersion, correlationId: 1, clientId: 'bench' };
  writeRequestHeader(writer, header);
  api.writeRequest(writer, message, apiVersion);
  const frame = Buffer.from(writer.toBuffer());
  frame.writeInt32BE(frame.length - 4, 0);
  return frame;
}
