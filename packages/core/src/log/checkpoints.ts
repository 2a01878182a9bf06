import { DiskError } from '../ports/disk.ts';
import type { Disk } from '../ports/disk.ts';

const VERSION = 0;

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

/** Offsets by topic and partition, as the checkpoint files of a data directory hold them. */
export type PartitionOffsets = Map<string, Map<number, number>>;

/** A checkpoint file that cannot be read: neither its text nor what it stands for may be guessed at. */
export class CorruptCheckpointError extends Error {
  override readonly name = 'CorruptCheckpointError';
  readonly code = 'CORRUPT_CHECKPOINT';
}

/**
 * Reads a checkpoint: a version, the number of entries, then one entry a line.
 *
 * @returns the words of each entry, or null when there is no file, or an empty one
 * @throws CorruptCheckpointError
 */
function readEntries(disk: Disk, path: string, wordCount: number): string[][] | null {
  const contents = disk.readFile(path);
  // Kafka makes the file empty, and may die before it first writes it.
  if (contents === null || contents.length === 0) return null;
  const lines = contents.toString('utf8').split('\n');
  if (lines[0]!.trim() !== String(VERSION)) {
    throw new CorruptCheckpointError(`${path}: version "${lines[0]}", ${VERSION} is known`);
  }
  const count = Number(lines[1]);
  const entries = lines.slice(2).filter((line) => line.trim() !== '');
  if (!Number.isInteger(count) || count !== entries.length) {
    throw new CorruptCheckpointError(`${path}: ${lines[1]} entries announced, ${entries.length} found`);
  }
  return entries.map((line) => {
    const words = line.trim().split(/\s+/);
    if (words.length !== wordCount) throw new CorruptCheckpointError(`${path}: line "${line}"`);
    return words;
  });
}

function encodeEntries(entries: readonly string[]): Buffer {
  return Buffer.from([String(VERSION), String(entries.length), ...entries, ''].join('\n'));
}

function integerOf(path: string, word: string): number {
  const value = Number(word);
  if (!Number.isInteger(value)) throw new CorruptCheckpointError(`${path}: "${word}" is no integer`);
  return value;
}

/** @throws CorruptCheckpointError, DiskError */
export function readOffsetCheckpoint(disk: Disk, path: string): PartitionOffsets {
  const offsets: PartitionOffsets = new Map();
  for (const [topic, partition, offset] of readEntries(disk, path, 3) ?? []) {
    setPartitionOffset(offsets, topic!, integerOf(path, partition!), integerOf(path, offset!));
  }
  return offsets;
}

/** Replaces the file whole: after a crash it is the old or the new one. @throws DiskError */
export function writeOffsetCheckpoint(disk: Disk, path: string, offsets: PartitionOffsets): void {
  disk.replaceFile(path, encodeOffsetCheckpoint(offsets));
}

export function encodeOffsetCheckpoint(offsets: PartitionOffsets): Buffer {
  const entries: string[] = [];
  for (const [topic, partitions] of offsets) {
    for (const [partition, offset] of partitions) entries.push(`${topic} ${partition} ${offset}`);
  }
  return encodeEntries(entries);
}

export function setPartitionOffset(
  offsets: PartitionOffsets,
  topic: string,
  partition: number,
  offset: number,
): void {
  let partitions = offsets.get(topic);
  if (partitions === undefined) {
    partitions = new Map();
    offsets.set(topic, partitions);
  }
  partitions.set(partition, offset);
}

/** @throws CorruptCheckpointError, DiskError */
export function readEpochCheckpoint(disk: Disk, path: string): EpochEntry[] {
  return (readEntries(disk, path, 2) ?? []).map(([epoch, offset]) => ({
    epoch: integerOf(path, epoch!),
    startOffset: integerOf(path, offset!),
  }));
}

/** @throws DiskError */
export function writeEpochCheckpoint(disk: Disk, path: string, entries: readonly EpochEntry[]): void {
  disk.replaceFile(path, encodeEpochCheckpoint(entries));
}

export function encodeEpochCheckpoint(entries: readonly EpochEntry[]): Buffer {
  return encodeEntries(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`));
}

/** The topic id in `partition.metadata`, or null when there is no file. @throws CorruptCheckpointError, DiskError */
export function readPartitionMetadata(disk: Disk, path: string): string | null {
  const contents = disk.readFile(path);
  if (contents === null) return null;
  const match = /^version: *0\ntopic_id: *([A-Za-z0-9_-]{22})\n?$/.exec(contents.toString('utf8'));
  if (match === null) throw new CorruptCheckpointError(`${path} is no partition metadata of version 0`);
  return match[1]!;
}

/** @throws DiskError */
export function writePartitionMetadata(disk: Disk, path: string, topicId: string): void {
  disk.replaceFile(path, encodePartitionMetadata(topicId));
}

export function encodePartitionMetadata(topicId: string): Buffer {
  return Buffer.from(`version: 0\ntopic_id: ${topicId}`);
}

/** Whether the error says that the disk, and not the caller, is at fault. */
export function isDiskFailure(error: unknown): error is DiskError {
  return error instanceof DiskError;
}
