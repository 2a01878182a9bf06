import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { batchCrcValid, batchesOf, type BatchHeader } from '../../src/records/batch-header.ts';
import { decodeBatch } from '../../src/records/convert.ts';
import { encodeMessageSet, messageSetBaseOffset } from '../../src/records/message-set.ts';
import { encodeRecordBatch } from '../../src/records/record-batch.ts';
import type { DecodedRecord } from '../../src/records/record.ts';

/** Bytes that Apache Kafka's classes wrote, and what they read in them; see interop/records. */
interface Vector {
  readonly bytes: string;
  readonly batches: readonly string[];
}

const file = new URL('../vectors/records.txt', import.meta.url);
const vectors = readFileSync(file, 'utf8').trimEnd().split('\n').map(parse);
const LIMIT = 1_000_000;
const TIMESTAMP_TYPES = { none: -1, create: 0, 'log-append': 1 } as const;

suite('batches that Apache Kafka wrote', () => {
  for (const [i, vector] of vectors.entries()) {
    const bytes = Buffer.from(vector.bytes, 'hex');
    const headers = [...batchesOf(bytes)];
    const name = `vector ${i}: format v${headers[0]!.magic}, codec ${headers[0]!.compression}`;

    test(`${name} is read`, () => {
      for (const header of headers) assert.ok(batchCrcValid(bytes, header.position));
      assert.deepEqual(headers.map(describe), vector.batches);
    });

    // Where the time of the log counts, the records' own times cannot be told any more.
    if (headers[0]!.compression !== 0 || headers[0]!.attributes === 8) continue;
    test(`${name} is written the same`, () => {
      assert.equal(rewrite(headers).toString('hex'), vector.bytes);
    });
  }
});

function parse(line: string): Vector {
  const [bytes, ...batches] = line.split('\t');
  return { bytes: bytes!, batches };
}

/** The notation of interop/records. */
function describe(header: BatchHeader): string {
  const fields = [
    header.magic,
    header.compression,
    header.magic === 2 ? header.baseOffset : messageSetBaseOffset(header, LIMIT),
    header.lastOffset,
    TIMESTAMP_TYPES[header.timestampType],
    header.maxTimestamp,
    header.producerId,
    header.producerEpoch,
    header.baseSequence,
    header.lastSequence,
    header.isTransactional ? 1 : 0,
    header.isControl ? 1 : 0,
    header.partitionLeaderEpoch,
  ].join(':');
  return [fields, ...decodeBatch(header, LIMIT).map(describeRecord)].join(';');
}

function describeRecord({ offset, timestamp, key, value, headers }: DecodedRecord): string {
  const texts = headers.map((h) => `${Buffer.from(h.key).toString('hex')}=${hex(h.value)}`);
  return [offset, timestamp, hex(key), hex(value), ...texts].join(',');
}

function hex(bytes: Buffer | null): string {
  return bytes === null ? '-' : bytes.toString('hex');
}

function rewrite(headers: readonly BatchHeader[]): Buffer {
  const first = headers[0]!;
  const records = headers.flatMap((header) => decodeBatch(header, LIMIT));
  if (first.magic < 2) return encodeMessageSet({ magic: first.magic as 0 | 1, records });
  return encodeRecordBatch({
    baseOffset: first.baseOffset,
    records,
    producerId: first.producerId,
    producerEpoch: first.producerEpoch,
    baseSequence: first.baseSequence,
    isTransactional: first.isTransactional,
    partitionLeaderEpoch: first.partitionLeaderEpoch,
  });
}
