import { createHash } from 'node:crypto';
import { closeSync, globSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { projectDirectory } from '../../scripts/kafka-jars.ts';

/** What a partition must hold: how many lines, and the SHA-256 over "key TAB line LF" of them in order. */
export interface ExpectedPartition {
  lines: number;
  readonly hash: ReturnType<typeof createHash>;
}

export interface TextFile {
  readonly sizeBytes: number;
  readonly lines: number;
  readonly keys: number;
  readonly partitions: readonly ExpectedPartition[];
}

const TEXTS = [
  'node_modules/**/*.{js,cjs,mjs,ts,cts,mts,json,map,md}',
  'packages/**/*.{ts,json,md}',
  '{interop,bench,scripts,docs}/**/*.{ts,java,py,json,md}',
];
/** Clients refuse messages of more than 1 MB. */
const LINE_SIZE_MAX = 500_000;
const LINE_FEED = 10;

/**
 * Writes a file of at least `sizeMinBytes` of lines `key TAB line`: every text of this project and of what it has
 * installed, over and over; the key of a line is the path of the text that it is from. Reckons at the same time what
 * each partition must come to, where librdkafka's default partitioner spreads keys: CRC-32 of the key, modulo.
 */
export function writeTextFile(path: string, sizeMinBytes: number, partitionCount: number): TextFile {
  const texts = globSync(TEXTS, { cwd: projectDirectory }).toSorted();
  const partitions = Array.from({ length: partitionCount }, () => ({ lines: 0, hash: createHash('sha256') }));
  const keys = new Set<string>();
  let sizeBytes = 0;
  let lines = 0;
  const file = openSync(path, 'w');
  while (sizeBytes < sizeMinBytes) {
    for (const text of texts) {
      const contents = readText(text);
      if (contents === null) continue;
      const partition = partitions[crc32(text) % partitionCount]!;
      const keyed = keyedLines(Buffer.from(`${text}\t`), contents);
      partition.lines += keyed.length;
      lines += keyed.length;
      const block = Buffer.concat(keyed);
      partition.hash.update(block);
      sizeBytes += writeSync(file, block);
      keys.add(text);
      if (sizeBytes >= sizeMinBytes) break;
    }
  }
  closeSync(file);
  return { sizeBytes, lines, keys: keys.size, partitions };
}

/** Null for what is no text: a folder, or bytes of zero. */
function readText(path: string): Buffer | null {
  try {
    const contents = readFileSync(join(projectDirectory, path));
    return contents.includes(0) ? null : contents;
  } catch {
    return null;
  }
}

function keyedLines(prefix: Buffer, contents: Buffer): Buffer[] {
  const keyed: Buffer[] = [];
  for (let begin = 0; begin < contents.length;) {
    const found = contents.indexOf(LINE_FEED, begin);
    const end = found === -1 ? contents.length : found;
    if (end - begin <= LINE_SIZE_MAX) {
      keyed.push(Buffer.concat([prefix, contents.subarray(begin, end), Buffer.of(LINE_FEED)]));
    }
    begin = end + 1;
  }
  return keyed;
}
