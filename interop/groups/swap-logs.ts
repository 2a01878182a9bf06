// Apache Kafka 3.9 and Odradek each keep some groups and offsets, are stopped, get the other's log of
// `__consumer_offsets`, and must tell the same as the other did before.
//   npx node interop/groups/swap-logs.ts
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker, type RunningBroker } from '@odradek/broker/start-broker.ts';
import { describeGroupsApi } from '@odradek/protocol/generated/apis/describe-groups.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { listGroupsApi } from '@odradek/protocol/generated/apis/list-groups.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { startKafka } from '../../scripts/kafka.ts';
import { closeWith } from '../closing-line.ts';
import { keepGroups } from './kept-groups.ts';
import { makeTopics, untilCoordinated } from './prepare-broker.ts';
import { RawConnection } from '../wire/raw-connection.ts';

const PARTITIONS = 3;
const SETTINGS = {
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': String(PARTITIONS),
};
/** What a broker remembers of logs that are not its own any more; without it the logs are read from the start. */
const FORGOTTEN =
  /^(recovery-point-offset-checkpoint|replication-offset-checkpoint|log-start-offset-checkpoint|\.kafka_cleanshutdown)$/;

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'odradek-swap-'));
  const dataDirectory = join(home, 'data');
  const kafka = await startKafka({ version: '3.9', overrides: SETTINGS, quickStart: true });
  let odradek: RunningBroker | null = null;
  try {
    odradek = await startOdradek(dataDirectory);
    const kafkaKept = await fill(kafka);
    const odradekKept = await fill(odradek.address);
    await kafka.shutDown();
    await odradek.close();
    swapLogs(kafka.dataDirectory, dataDirectory, join(home, 'swapped'));
    await kafka.startAgain();
    odradek = await startOdradek(dataDirectory);
    const failed =
      differences('Kafka on the log of Odradek', odradekKept, await read(kafka)) +
      differences('Odradek on the log of Kafka', kafkaKept, await read(odradek.address));
    const told = odradekKept.length + kafkaKept.length;
    closeWith(Math.max(told - failed, 0), failed);
  } finally {
    await odradek?.close();
    await kafka.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

function startOdradek(dataDirectory: string): Promise<RunningBroker> {
  return startBroker({ port: 0, dataDirectory, properties: SETTINGS });
}

async function fill(broker: { host: string; port: number }): Promise<string[]> {
  const connection = await RawConnection.open(broker.host, broker.port);
  await makeTopics(connection);
  await untilCoordinated(connection);
  await keepGroups(broker);
  connection.close();
  return read(broker);
}

/** All that the broker tells of its groups, line by line. */
async function read({ host, port }: { host: string; port: number }): Promise<string[]> {
  const connection = await RawConnection.open(host, port);
  await untilCoordinated(connection);
  const lines: string[] = [];
  const { groups } = await connection.ask(listGroupsApi, 4, {});
  for (const listed of groups.sort((a, b) => (a.groupId < b.groupId ? -1 : 1))) {
    const { groupId } = listed;
    lines.push(JSON.stringify(listed));
    const { groups: described } = await connection.ask(describeGroupsApi, 5, { groups: [groupId] });
    lines.push(JSON.stringify(described[0]));
    const { topics } = await connection.ask(offsetFetchApi, 5, { groupId, topics: null });
    for (const { name, partitions } of topics) {
      for (const partition of partitions) lines.push(JSON.stringify({ groupId, name, partition }));
    }
    for (const { memberId, groupInstanceId } of described[0]!.members) {
      const beat = await connection.ask(heartbeatApi, 4, {
        groupId,
        generationId: 1,
        memberId,
        groupInstanceId,
      });
      lines.push(JSON.stringify({ groupId, memberId, heartbeat: beat.errorCode }));
    }
  }
  connection.close();
  return lines.sort();
}

function swapLogs(one: string, other: string, spare: string): void {
  for (const directory of [one, other]) {
    for (const name of readdirSync(directory)) {
      if (FORGOTTEN.test(name)) rmSync(join(directory, name));
    }
  }
  for (let i = 0; i < PARTITIONS; i++) {
    const [a, b] = [join(one, `__consumer_offsets-${i}`), join(other, `__consumer_offsets-${i}`)];
    const segment = (directory: string): string =>
      readdirSync(directory).find((name) => name.endsWith('.log'))!;
    const [segmentOfA, segmentOfB] = [segment(a), segment(b)];
    copyFileSync(join(a, segmentOfA), spare);
    copyFileSync(join(b, segmentOfB), join(a, segmentOfB));
    copyFileSync(spare, join(b, segmentOfA));
    for (const directory of [a, b]) {
      for (const name of readdirSync(directory)) {
        if (!/\.log$|^partition\.metadata$/.test(name)) rmSync(join(directory, name));
      }
    }
  }
}

/** @returns the lines that are missing or not expected */
function differences(what: string, expected: readonly string[], told: readonly string[]): number {
  const missing = expected.filter((line) => !told.includes(line));
  const surplus = told.filter((line) => !expected.includes(line));
  console.log(`${what}: ${expected.length} lines, ${missing.length} missing, ${surplus.length} not expected`);
  for (const line of missing) console.log(`  - ${line}`);
  for (const line of surplus) console.log(`  + ${line}`);
  return missing.length + surplus.length;
}

await main();
