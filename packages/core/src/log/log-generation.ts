import { crc32c } from '@odradek/protocol/primitives/crc32c.ts';
import type { Disk } from '../ports/disk.ts';
import { CorruptCheckpointError } from './checkpoints.ts';
import { GENERATION_FILE } from './log-files.ts';

/*
 * How often a log has changed its data directory. Of two directories with a log of one partition, the one of the higher
 * generation took over from the other, whatever became of either since: how far they reach says nothing, because a log
 * may be cut or written on while the directory that it left has failed.
 *
 * The file lies in the log's own directory, where Apache Kafka passes over files that it does not know. A log that never
 * moved has none.
 */

/** @throws CorruptCheckpointError, DiskError */
export function readGeneration(disk: Disk, directory: string): number {
  const path = generationPath(directory);
  const contents = disk.readFile(path);
  if (contents === null) return 0;
  const match = /^generation: (\d{1,15})\n/.exec(contents.toString('latin1'));
  const generation = Number(match?.[1] ?? NaN);
  if (Number.isNaN(generation) || !contents.equals(encodeGeneration(generation))) {
    throw new CorruptCheckpointError(`${path}: its checksum is not that of its contents`);
  }
  return generation;
}

export function generationPath(directory: string): string {
  return `${directory}/${GENERATION_FILE}`;
}

export function encodeGeneration(generation: number): Buffer {
  const text = `generation: ${generation}\n`;
  return Buffer.from(`${text}crc32c: ${crc32c(Buffer.from(text)).toString(16)}\n`);
}
