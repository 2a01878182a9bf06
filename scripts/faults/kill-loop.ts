import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerProcess } from './broker-process.ts';
import { NumberedLoad } from './numbered-load.ts';
import type { LoadTopic } from './numbered-load.ts';

/** Small segments, so that rolls, retention of none and snapshots are under way when the broker dies. */
const SETTINGS = ['log.segment.bytes=262144', 'log.flush.offset.checkpoint.interval.ms=500'];

const TOPICS: readonly LoadTopic[] = [
  { name: 'idempotent', partitions: 3, acks: -1, padding: 200, configs: {} },
  { name: 'synced', partitions: 2, acks: -1, padding: 100, configs: { 'flush.messages': '1' } },
  { name: 'leader-only', partitions: 2, acks: 1, padding: 300, configs: {} },
];

/**
 * Kills a broker under load, again and again, and starts it on what is left. In the end everything that was
 * acknowledged is there, at its offset, and what idempotent producers sent is there once.
 */
export async function killLoop(rounds: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'odradek-kills-'));
  const broker = await BrokerProcess.at(directory, SETTINGS);
  try {
    await broker.start();
    const loads = await Promise.all(
      TOPICS.map((topic) => NumberedLoad.begin(topic, broker.bootstrapServers)),
    );
    for (let round = 1; round <= rounds; round++) {
      await sleep(400 + Math.random() * 1200);
      await broker.kill();
      await broker.start();
    }
    await Promise.all(loads.map((load) => load.stop()));
    await broker.kill();
    await broker.start();
    for (const load of loads) await report(load);
  } finally {
    await broker.kill();
    await rm(directory, { recursive: true, force: true });
  }
}

async function report(load: NumberedLoad): Promise<void> {
  const count = await load.check();
  const { name } = load.topic;
  console.log(
    `${name}: ${load.acknowledged.size} acknowledged, ${count} there, ${load.failures.length} failed`,
  );
  if (load.acknowledged.size === 0) throw new Error(`${name}: nothing was acknowledged`);
}
