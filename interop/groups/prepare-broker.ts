import { setTimeout as sleep } from 'node:timers/promises';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { describeGroupsApi } from '@odradek/protocol/generated/apis/describe-groups.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import { TOPIC } from './requests.ts';

const POLL_MS = 200;

/** The topics that conversations speak of; those that are there already stay. */
export async function makeTopics(connection: RawConnection): Promise<void> {
  const topics = [TOPIC, `${TOPIC}-too`].map((name) => ({
    name,
    numPartitions: 3,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  await connection.ask(createTopicsApi, 4, { topics, timeoutMs: 10_000, validateOnly: false });
}

/** Waits until the offsets topic is there and all of its partitions are loaded. */
export async function untilCoordinated(connection: RawConnection): Promise<void> {
  await until(
    async () => (await connection.ask(findCoordinatorApi, 2, { key: 'any', keyType: 0 })).errorCode === 0,
  );
  // Some of these names are of each partition.
  const names = Array.from({ length: 40 }, (_, i) => `probe-${i}`);
  await until(async () => {
    const { groups } = await connection.ask(describeGroupsApi, 5, { groups: names });
    return groups.every(({ errorCode }) => errorCode === 0);
  });
  await until(
    async () => (await connection.ask(offsetFetchApi, 5, { groupId: 'any', topics: [] })).errorCode === 0,
  );
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(POLL_MS);
}
