import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { batchOf } from '../load/frames.ts';

/** Made by brokers of both kinds when the topic is created, and kept. */
const KEPT = new Set(['partition.metadata', 'leader-epoch-checkpoint']);
const SEGMENT_BYTES = 1_000_000_000;
const BATCH_BYTES = 16 * 1024;
const RECORD_BYTES = 1024;
const BATCHES_PER_WRITE = 64;
/** The disk is left this much at least. */
const SPARE_BYTES = 5e9;
const LEADER_EPOCH_AT = 12;

export interface CrashedLog {
  readonly folder: string;
  readonly sizeBytes: number;
  readonly endOffset: number;
}

/**
 * The segments of a log as a killed broker leaves them: no index, no checkpoint. Written once; every broker gets links
 * to the same files, so that all find them in the same page cache.
 *
 * @throws Error when the disk has no room for it
 */
export function writeCrashedLog(folder: string, sizeBytes: number): CrashedLog {
  mkdirSync(folder, { recursive: true });
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < sizeBytes + SPARE_BYTES) {
    throw new Error(
      `${(bavail * bsize) / 1e9} GB of free disk are too few for a log of ${sizeBytes / 1e9} GB`,
    );
  }
  const batch = batchOf(BATCH_BYTES, RECORD_BYTES);
  const block = Buffer.concat(Array<Buffer>(BATCHES_PER_WRITE).fill(batch.bytes));
  for (let i = 0; i < BATCHES_PER_WRITE; i++) block.writeInt32BE(0, i * batch.bytes.length + LEADER_EPOCH_AT);
  let written = 0;
  let offset = 0;
  while (written < sizeBytes) {
    const file = openSync(join(folder, `${String(offset).padStart(20, '0')}.log`), 'w');
    for (let size = 0; size < SEGMENT_BYTES && written < sizeBytes; size += block.length) {
      for (let i = 0; i < BATCHES_PER_WRITE; i++, offset += batch.records) {
        // Not part of what the checksum covers.
        block.writeBigInt64BE(BigInt(offset), i * batch.bytes.length);
      }
      written += writeSync(file, block);
    }
    fsyncSync(file);
    closeSync(file);
  }
  return { folder, sizeBytes: written, endOffset: offset };
}

/** Puts the log in the place of a partition of a broker that was killed. */
export function plant(log: CrashedLog, partitionFolder: string): void {
  for (const name of readdirSync(partitionFolder)) {
    if (!KEPT.has(name)) rmSync(join(partitionFolder, name), { recursive: true });
  }
  for (const name of readdirSync(log.folder)) linkSync(join(log.folder, name), join(partitionFolder, name));
}

/** @throws Error when somebody wrote to the segments, which all share */
export function assertUntouched(log: CrashedLog): void {
  const sizes = readdirSync(log.folder).map((name) => statSync(join(log.folder, name)).size);
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
  if (sizeBytes !== log.sizeBytes) {
    throw new Error(`the log has ${sizeBytes} bytes after its recovery in place of ${log.sizeBytes}`);
  }
}
