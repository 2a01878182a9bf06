import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import type { LogConfig } from '@odradek/core/log/log-config.ts';
import type { PartitionLog } from '@odradek/core/log/partition-log.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import type { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { startKafka } from '../../scripts/kafka.ts';
import type { RunningKafka } from '../../scripts/kafka.ts';
import { kafkaTool } from './kafka-tools.ts';
import { openLogs } from './logs-of-ours.ts';

/*
 * The same segments compacted by Apache Kafka 3.9 and by us. We write them into its data directory while it is
 * down, keep a copy, and let both compact; then what is left must be the same, batch by batch and record by record.
 */

const TOPIC = 'compacted';
const WAIT_MS = 60_000;

const WRITING: LogConfig = { ...DEFAULT_LOG_CONFIG, segmentBytes: 20_000, indexIntervalBytes: 500 };
const COMPACTING: LogConfig = {
  ...WRITING,
  cleanupCompact: true,
  cleanupDelete: false,
  minCleanableDirtyRatio: 0.01,
  deleteRetentionMs: 1000,
};

export interface CompactedTwice {
  readonly ourDirectory: string;
  /**
   * Both compact what was written last. Only in the third round markers go that the first one has compacted.
   *
   * @param round from 0, one after another
   * @throws when what is left is not the same
   */
  compareRound(round: number): Promise<string>;
  close(): Promise<void>;
}

/** Has Kafka 3.9 run with a compacted topic. @param directory for our own copy of its data */
export async function compactedTwice(directory: string): Promise<CompactedTwice> {
  const kafka = await startKafka({
    version: '3.9',
    quickStart: true,
    overrides: { 'log.cleaner.backoff.ms': '200', 'log.segment.delete.delay.ms': '100' },
  });
  kafkaTool('3.9', 'org.apache.kafka.tools.TopicCommand', [
    ...['--bootstrap-server', kafka.bootstrap, '--create', '--topic', TOPIC, '--partitions', '1'],
    ...['cleanup.policy=compact', 'segment.bytes=20000', 'index.interval.bytes=500'].flatMap(asConfig),
    ...['min.cleanable.dirty.ratio=0.01', 'delete.retention.ms=1000'].flatMap(asConfig),
  ]);
  return {
    ourDirectory: join(directory, `${TOPIC}-0`),
    async compareRound(round) {
      await kafka.shutDown();
      const written = writeRound(kafka.dataDirectory, round);
      // Later each goes on with what it has compacted itself.
      if (round === 0) cpSync(kafka.dataDirectory, directory, { recursive: true });
      else writeRound(directory, round);
      await kafka.startAgain();
      await Promise.all([compactedByKafka(kafka, written.activeFrom), compactedByUs(directory)]);
      await kafka.shutDown();
      const [theirs, ours] = [contentsOf(kafka.dataDirectory), contentsOf(directory)];
      await kafka.startAgain();
      assert.deepEqual(ours, theirs);
      const records = ours.flatMap((batch) => batch.records).length;
      assert.ok(records < written.records / 2, `${records} of ${written.records}`);
      return `${records} of ${written.records} records left, in ${ours.length} batches`;
    },
    close: () => kafka.stop(),
  };
}

function asConfig(config: string): string[] {
  return ['--config', config];
}

/** The same in every call; rounds supersede much of each other. */
function writeRound(directory: string, round: number): { records: number; activeFrom: number } {
  const logs = openLogs(directory, WRITING);
  const log = logs.log(TOPIC, 0)!;
  log.updateHighWatermark(log.logEndOffset);
  for (let number = round * 288; number < (round + 1) * 288; number++) writeOne(log, number);
  const activeFrom = log.storage.segments.active.baseOffset;
  const records = log.logEndOffset;
  logs.close();
  return { records, activeFrom };
}

const STARTED = Date.now() - 3_600_000;

function writeOne(log: PartitionLog, number: number): void {
  const append = (records: Buffer, origin: 'client' | 'coordinator' = 'client'): void => {
    log.appendAsLeader(records, { leaderEpoch: log.latestLeaderEpoch, origin });
    log.updateHighWatermark(log.logEndOffset);
  };
  const records = Array.from({ length: 1 + (number % 6) }, (_, i) => {
    const choice = (number * 7 + i * 13) % 61;
    return {
      key: Buffer.from(`key ${choice}`),
      value: choice % 9 === 4 ? null : Buffer.from(`${number} ${i} ${'x'.repeat((number * 31) % 300)}`),
      headers: i === 2 ? [{ key: 'header', value: Buffer.from('of a record') }] : [],
      timestamp: STARTED + number * 10 - i,
    };
  });
  append(encodeRecordBatch({ records, compression: (number % 5) as CompressionType }));
  const some = records.slice(0, 2);
  if (number % 3 === 0) {
    const producer = { producerId: 4000, producerEpoch: 2, baseSequence: (number / 3) * 2 };
    append(encodeRecordBatch({ records: [some[0]!, some.at(-1)!], ...producer }));
  }
  if (number % 8 === 0) {
    const producer = { producerId: 5000 + (number % 16), producerEpoch: 0, isTransactional: true };
    append(
      encodeRecordBatch({ ...producer, records: some.slice(0, 1), baseSequence: Math.floor(number / 16) }),
    );
    append(marker(producer, number), 'coordinator');
  }
}

function marker(producer: { producerId: number; producerEpoch: number }, number: number): Buffer {
  const isCommit = number % 24 === 0;
  return encodeRecordBatch({
    ...producer,
    isTransactional: true,
    isControl: true,
    records: [
      {
        key: Buffer.from([0, 0, 0, isCommit ? 1 : 0]),
        value: Buffer.from([0, 0, 0, 0, 0, 7]),
        timestamp: STARTED + number * 10,
      },
    ],
  });
}

async function compactedByKafka(kafka: RunningKafka, upTo: number): Promise<void> {
  const path = join(kafka.dataDirectory, 'cleaner-offset-checkpoint');
  const cleaned = (): number =>
    Number(new RegExp(`^${TOPIC} 0 (\\d+)$`, 'm').exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  await until('Kafka has compacted', () => cleaned() >= upTo);
}

async function compactedByUs(directory: string): Promise<void> {
  const logs = openLogs(directory, COMPACTING, true);
  const log = logs.log(TOPIC, 0)!;
  log.updateHighWatermark(log.logEndOffset);
  await until('we have compacted', () => (log.cleanedOffset ?? 0) >= log.storage.segments.active.baseOffset);
  logs.close();
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await sleep(50);
  }
}

/** Every batch that is left, control batches too, with what matters of it. */
function contentsOf(directory: string) {
  const logs = openLogs(directory, WRITING);
  const log = logs.log(TOPIC, 0)!;
  log.updateHighWatermark(log.logEndOffset);
  const batches = [];
  for (let next = log.logStartOffset; ;) {
    const { slice } = log.read(next, { maxBytes: 100_000, minOneBatch: true, upTo: 'log-end' });
    if (slice === null) break;
    for (const header of batchesOf(slice.toBuffer())) {
      const { baseOffset, lastOffset, producerId, baseSequence, isControl, compression, maxTimestamp } =
        header;
      const records = decodeBatch(header, 1_000_000).map(({ offset, timestamp, key, value, headers }) => ({
        offset,
        timestamp,
        key: key?.toString('latin1') ?? null,
        value: value?.toString('latin1') ?? null,
        headers: headers.map((entry) => `${entry.key}=${entry.value}`),
      }));
      const hasHorizon = header.deleteHorizonMs !== null;
      batches.push({
        baseOffset,
        lastOffset,
        producerId,
        baseSequence,
        isControl,
        hasHorizon,
        compression,
        maxTimestamp,
        records,
      });
      next = lastOffset + 1;
    }
    slice.release();
  }
  logs.close();
  return batches;
}
