// A large file through Odradek: kcat sends it line by line with keys, a group of three Java consumers reads it back,
// and each partition must hold its lines of the file, all of them, in the file's order.
//   npx node interop/big-file/run.ts [--megabytes 120] [--target odradek|kafka-3.9|kafka-4.4]
// The file is made of the texts that this project consists of and has installed (see text-file.ts). The broker is a
// process of its own over real files, and is shut down and started again between writing and reading, so that what
// is read comes from the files. The expected checksums are reckoned from the file sent, not from what a broker says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { closeWith } from '../closing-line.ts';
import { javaProgram, outputOf } from '../programs.ts';
import { parseTargetName, startTarget } from '../targets/start-target.ts';
import type { Target } from '../targets/target.ts';
import { createTopics } from '../wire/topics.ts';
import { writeTextFile, type TextFile } from './text-file.ts';

const TOPIC = 'big-file';
const PARTITIONS = 6;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      megabytes: { type: 'string', default: '120' },
      target: { type: 'string', default: 'odradek' },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'odradek-big-file-'));
  const target = await startTarget(parseTargetName(values.target), { quickStart: true });
  try {
    const path = join(folder, 'lines.txt');
    const sent = writeTextFile(path, Number(values.megabytes) * 1_000_000, PARTITIONS);
    console.log(`the file: ${megabytes(sent)} MB, ${sent.lines} lines, ${sent.keys} keys`);
    await createTopics(target, [TOPIC], PARTITIONS);
    const sendSeconds = await timed(() => send(target, path));
    console.log(`sent by kcat in ${sendSeconds.toFixed(1)} s`);
    await target.shutDown();
    await target.startAgain();
    let read: ReadPartition[] = [];
    const readSeconds = await timed(async () => {
      read = await readBack(target, sent.lines);
    });
    console.log(`read by a group of three Java consumers in ${readSeconds.toFixed(1)} s`);
    const failed = compare(sent, read);
    closeWith(PARTITIONS - failed, failed);
  } finally {
    await target.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function send(target: Target, path: string): Promise<void> {
  const delivered = ['-X', 'message.timeout.ms=120000', '-E'];
  await outputOf(['kcat', '-P', '-b', target.bootstrap, '-t', TOPIC, '-K', '\t', ...delivered, '-l', path]);
}

interface ReadPartition {
  readonly partition: number;
  readonly lines: number;
  readonly checksum: string;
  readonly members: string;
}

async function readBack(target: Target, lines: number): Promise<ReadPartition[]> {
  const program = javaProgram(join(import.meta.dirname, 'GroupReader.java'), '4.4');
  const output = await outputOf([...program, target.bootstrap, TOPIC, 'readers', String(lines)]);
  return output
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [partition, lines, checksum = '', members = ''] = line.split(' ');
      return { partition: Number(partition), lines: Number(lines), checksum, members };
    });
}

/** @returns how many partitions are not as sent */
function compare(sent: TextFile, read: readonly ReadPartition[]): number {
  let failed = 0;
  for (const [partition, expected] of sent.partitions.entries()) {
    const checksum = expected.hash.digest('hex');
    const got = read.find((each) => each.partition === partition);
    const isEqual = got?.checksum === checksum && got.lines === expected.lines;
    if (!isEqual) failed += 1;
    console.log(
      `partition ${partition}: ${expected.lines} lines, SHA-256 ${checksum.slice(0, 16)}…: ` +
        (isEqual ? `equal, read by member ${got.members}` : `DIFFERS: ${JSON.stringify(got)}`),
    );
  }
  return failed;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

function megabytes({ sizeBytes }: TextFile): string {
  return (sizeBytes / 1e6).toFixed(1);
}

await main();
