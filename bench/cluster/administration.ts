import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { listPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/list-partition-reassignments.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import type { MetadataResponse } from '@odradek/protocol/generated/metadata-response.ts';
import { errorName } from '@odradek/protocol/errors.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawConnection } from '../../interop/wire/raw-connection.ts';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import type { BenchCluster } from './bench-cluster.ts';

const TIMEOUT_MS = 180_000;
const POLL_MS = 5;
/** Answers about thousands of partitions take their time; asking is not to become a load of its own. */
const POLL_MANY_MS = 100;
const MANY = 500;

export type Assignment = readonly (readonly number[])[];

/** Does something over a connection to one broker. */
export async function through<T>(
  cluster: BenchCluster,
  brokerId: number,
  action: (connection: RawConnection) => Promise<T>,
): Promise<T> {
  const { host, port } = cluster.broker(brokerId);
  const connection = await RawConnection.open(host, port);
  try {
    return await action(connection);
  } finally {
    connection.close();
  }
}

/** Who is the controller, by what ZooKeeper says; waits until there is one other than `except`. */
export async function controllerOf(cluster: BenchCluster, except = -1): Promise<number> {
  for (const deadline = Date.now() + TIMEOUT_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const data = await contentsOf(cluster, treePaths.controller);
    if (data === null) continue;
    const { brokerid } = JSON.parse(data) as { brokerid: number };
    if (brokerid !== except) return brokerid;
  }
  throw new Error(`${cluster.name} has no controller other than ${except}`);
}

/** Resolves when ZooKeeper has forgotten a broker that died. */
export async function untilForgotten(cluster: BenchCluster, brokerId: number): Promise<void> {
  while ((await contentsOf(cluster, treePaths.broker(brokerId))) !== null) await sleep(POLL_MS);
}

function contentsOf(cluster: BenchCluster, path: string): Promise<string | null> {
  return new Promise((resolve) =>
    cluster.tree.read(path, null, (error, contents) =>
      resolve(error === null ? (contents.data?.toString() ?? '') : null),
    ),
  );
}

/** Makes a topic and resolves when all its replicas are in sync, as every broker knows. */
export async function createTopic(
  cluster: BenchCluster,
  name: string,
  assignment: Assignment,
): Promise<void> {
  await requestTopic(cluster, name, assignment);
  await untilInSync(cluster, name, assignment.length);
}

/** Asks for a topic, again while there is no controller. Resolves when it has been answered. */
export async function requestTopic(
  cluster: BenchCluster,
  name: string,
  assignment: Assignment,
  exceptController = -1,
): Promise<void> {
  const assignments = assignment.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }));
  for (const deadline = Date.now() + TIMEOUT_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const controller = await controllerOf(cluster, exceptController);
    const answer = await through(cluster, controller, (connection) =>
      connection.ask(createTopicsApi, 5, {
        timeoutMs: TIMEOUT_MS,
        topics: [{ name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] }],
      }),
    );
    const error = errorName(answer.topics[0]!.errorCode);
    if (error === 'NONE' || error === 'TOPIC_ALREADY_EXISTS') return;
    // Just elected, and not all brokers are known to it yet.
    if (!['NOT_CONTROLLER', 'INVALID_REPLICA_ASSIGNMENT', 'REQUEST_TIMED_OUT'].includes(error)) {
      throw new Error(`${cluster.name} did not create ${name}: ${error}, ${answer.topics[0]!.errorMessage}`);
    }
  }
  throw new Error(`${cluster.name} did not create ${name} in ${TIMEOUT_MS} ms`);
}

export type PartitionMetadata = MetadataResponse['topics'][number]['partitions'][number];

/** Resolves when every live broker tells of `partitions` partitions that `isSo` holds for. */
export async function untilAll(
  cluster: BenchCluster,
  topic: string,
  partitions: number,
  isSo: (partition: PartitionMetadata) => boolean,
  brokerIds: readonly number[] = [...cluster.brokers.keys()],
): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (const brokerId of brokerIds) {
    await through(cluster, brokerId, async (connection) => {
      for (;;) {
        const { topics } = await connection.ask(metadataApi, 8, { topics: [{ name: topic }] });
        const found = topics[0]?.partitions ?? [];
        const done = found.filter(isSo).length;
        if (found.length === partitions && done === partitions) return;
        if (Date.now() > deadline) {
          throw new Error(
            `${topic}: ${done} of ${partitions} as broker ${brokerId} of ${cluster.name} sees it`,
          );
        }
        await sleep(partitions < MANY ? POLL_MS : POLL_MANY_MS);
      }
    });
  }
}

export function untilInSync(cluster: BenchCluster, topic: string, partitions: number): Promise<void> {
  return untilAll(
    cluster,
    topic,
    partitions,
    ({ leaderId, isrNodes, replicaNodes }) => leaderId >= 0 && isrNodes.length === replicaNodes.length,
  );
}

/** Moves partitions to other brokers; resolves when all have arrived and nothing is under way any more. */
export async function reassign(cluster: BenchCluster, topic: string, target: Assignment): Promise<void> {
  const controller = await controllerOf(cluster);
  await through(cluster, controller, async (connection) => {
    const answer = await connection.ask(alterPartitionReassignmentsApi, 0, {
      timeoutMs: TIMEOUT_MS,
      topics: [
        {
          name: topic,
          partitions: target.map((replicas, partitionIndex) => ({ partitionIndex, replicas: [...replicas] })),
        },
      ],
    });
    const errors = [
      answer.errorCode,
      ...answer.responses.flatMap((each) => each.partitions.map((p) => p.errorCode)),
    ];
    const failed = errors.find((code) => code !== 0);
    if (failed !== undefined) throw new Error(`${topic} is not moved: ${errorName(failed)}`);
    for (const deadline = Date.now() + TIMEOUT_MS; ; await sleep(POLL_MANY_MS)) {
      const { topics, errorCode } = await connection.ask(listPartitionReassignmentsApi, 0, {
        timeoutMs: TIMEOUT_MS,
        topics: null,
      });
      if (errorCode === 0 && topics.length === 0) break;
      if (Date.now() > deadline) throw new Error(`${topic} is still being moved after ${TIMEOUT_MS} ms`);
    }
  });
  await untilAll(cluster, topic, target.length, ({ partitionIndex, replicaNodes }) =>
    target[partitionIndex]!.every(
      (id) => replicaNodes.includes(id) && replicaNodes.length === target[partitionIndex]!.length,
    ),
  );
}
