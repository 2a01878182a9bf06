import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerProcess } from './broker-process.ts';
import { NumberedLoad } from './numbered-load.ts';

const DISK_BYTES = 48 * 1024 * 1024;
const BALLAST_BYTES = 16 * 1024 * 1024;
const FULL_DEADLINE_MS = 60_000;

/**
 * A broker on a small file system that fills up while producers send, and gets some room again: it goes on serving
 * all the while, refuses appends with KAFKA_STORAGE_ERROR as long as the disk is full, and takes the producers'
 * retries afterwards without being started anew. Nothing that was acknowledged is missing then.
 *
 * @returns false when no file system could be mounted
 */
export async function fullDisk(): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'odradek-full-disk-'));
  if (!mount(directory)) {
    await rm(directory, { recursive: true, force: true });
    return false;
  }
  const broker = await BrokerProcess.at(join(directory, 'data'), ['log.segment.bytes=4194304']);
  try {
    await writeFile(join(directory, 'ballast'), Buffer.alloc(BALLAST_BYTES));
    await broker.start();
    await fillAndFree(broker, join(directory, 'ballast'));
  } finally {
    await broker.kill();
    execFileSync('umount', [directory]);
    await rmdir(directory);
  }
  return true;
}

function mount(directory: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'odradek-test', directory], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return true;
  } catch (error) {
    console.log(`no file system of limited size: ${error instanceof Error ? error.message.trim() : error}`);
    return false;
  }
}

async function fillAndFree(broker: BrokerProcess, ballast: string): Promise<void> {
  const topic = { name: 'filling', partitions: 2, acks: -1, padding: 8000, configs: {} } as const;
  const load = await NumberedLoad.begin(topic, broker.bootstrapServers);
  await untilStalled(load);
  if (broker.exitCode !== null) throw new Error(`the broker gave up on a full disk:\n${broker.printed}`);
  const stalledAt = load.acknowledged.size;
  // What was taken can be read while nothing can be written.
  await load.check();
  await rm(ballast);
  const deadline = Date.now() + FULL_DEADLINE_MS;
  while (load.acknowledged.size === stalledAt) {
    if (Date.now() > deadline)
      throw new Error(`producers do not go on with room on the disk:\n${broker.printed}`);
    await sleep(50);
  }
  await load.halt();
  console.log(`full disk: ${stalledAt} acknowledged until it was full, ${load.acknowledged.size} in the end`);
  await load.check();
  await broker.kill();
  await broker.start();
  await load.check();
}

/** Until nothing was acknowledged for a while. */
async function untilStalled(load: NumberedLoad): Promise<void> {
  const deadline = Date.now() + FULL_DEADLINE_MS;
  for (let before = -1; before !== load.acknowledged.size || before === 0;) {
    if (Date.now() > deadline) throw new Error('the disk does not fill up');
    before = load.acknowledged.size;
    await sleep(2000);
  }
}
