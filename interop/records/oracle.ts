import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { messageSetBaseOffset } from '@odradek/protocol/records/message-set.ts';
import type { RecordHeader, RecordInput } from '@odradek/protocol/records/record.ts';
import { kafkaClassPath } from '../../scripts/kafka-jars.ts';

/** What a request to Apache Kafka's classes came to; see RecordsOracle.java. */
export type Answer =
  | { readonly ok: true; readonly fields: readonly string[] }
  | { readonly ok: false; readonly code: number; readonly detail: string };

const OUTPUT_SIZE_MAX = 2 ** 30;
const DECODED_SIZE_MAX = 2 ** 28;

/** Asks all at once: one Java process, one line each. @throws Error with Java's words when it fails */
export function askKafka(requests: readonly (readonly string[])[]): Answer[] {
  const run = spawnSync(
    'java',
    ['-Xmx1g', '-cp', kafkaClassPath('3.9'), join(import.meta.dirname, 'RecordsOracle.java')],
    {
      input: requests.map((request) => `${request.join('\t')}\n`).join(''),
      encoding: 'utf8',
      maxBuffer: OUTPUT_SIZE_MAX,
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  if (run.error !== undefined) throw run.error;
  const lines = run.stdout.trimEnd().split('\n');
  if (run.status !== 0 || lines.length !== requests.length) {
    throw new Error(
      `java answered ${lines.length} of ${requests.length} lines: ${run.stderr.slice(0, 4000)}`,
    );
  }
  return lines.map((line) => {
    const [kind, ...fields] = line.split('\t');
    if (kind === 'ok') return { ok: true, fields };
    return { ok: false, code: Number(fields[0]), detail: fields[1] ?? '' };
  });
}

export function hex(bytes: Buffer | null): string {
  return bytes === null ? '-' : bytes.toString('hex');
}

export function unhex(text: string): Buffer {
  return Buffer.from(text === '-' ? '' : text, 'hex');
}

/** A record in the oracle's notation. */
export function recordText(
  offset: number,
  record: RecordInput & { readonly headers?: readonly RecordHeader[] },
): string {
  const headers = (record.headers ?? []).map(
    ({ key, value }) => `${Buffer.from(key).toString('hex')}=${hex(value)}`,
  );
  return [offset, record.timestamp, hex(record.key), hex(record.value), ...headers].join(',');
}

const TIMESTAMP_TYPES = { none: -1, create: 0, 'log-append': 1 } as const;

/** All batches and records in the oracle's notation, as ours reads them. */
export function describeBatches(bytes: Buffer): string[] {
  return [...batchesOf(bytes)].map((header) => {
    const baseOffset =
      header.magic === 2 ? header.baseOffset : messageSetBaseOffset(header, DECODED_SIZE_MAX);
    const fields = [
      header.magic,
      header.compression,
      baseOffset,
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
    const records = decodeBatch(header, DECODED_SIZE_MAX).map((record) => recordText(record.offset, record));
    return [fields, ...records].join(';');
  });
}

/** The codecs that a format has. */
export function codecsOf(magic: number): readonly CompressionType[] {
  return magic === 2 ? [0, 1, 2, 3, 4] : [0, 1, 2, 3];
}
