import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { RawConnection } from './raw-connection.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

const LATEST = -1;
const CREATE_TIMEOUT_MS = 10_000;

/** @throws Error when a topic is refused */
export async function createTopics(
  broker: Address,
  names: readonly string[],
  numPartitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const topics = names.map((name) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  }));
  const answer = await once(broker, (connection) =>
    connection.ask(createTopicsApi, 5, { topics, timeoutMs: CREATE_TIMEOUT_MS }),
  );
  const refused = answer.topics.find(({ errorCode }) => errorCode !== 0);
  if (refused !== undefined) throw new Error(`creating ${refused.name}: ${refused.errorMessage}`);
}

/** The end offset of each partition, in their order. @throws Error while one has no leader */
export async function endOffsets(broker: Address, topic: string, partitions: number): Promise<number[]> {
  const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: LATEST,
  }));
  const { topics } = await once(broker, (connection) =>
    connection.ask(listOffsetsApi, 4, { replicaId: -1, topics: [{ name: topic, partitions: asked }] }),
  );
  return topics[0]!.partitions.map(({ partitionIndex, offset, errorCode }) => {
    if (errorCode !== 0) throw new Error(`end offset of ${topic}-${partitionIndex}: error ${errorCode}`);
    return offset;
  });
}

async function once<T>(broker: Address, ask: (connection: RawConnection) => Promise<T>): Promise<T> {
  const connection = await RawConnection.open(broker.host, broker.port);
  try {
    return await ask(connection);
  } finally {
    connection.close();
  }
}
