import type { TestContext } from 'node:test';
import { startBroker, type RunningBroker, type StartBrokerOptions } from '@odradek/broker';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import type { FetchResponsePartitionData } from '@odradek/protocol/generated/fetch-response.ts';
import type { ProduceResponsePartition } from '@odradek/protocol/generated/produce-response.ts';
import { encodeRecordBatch, type RecordBatchInput } from '@odradek/protocol/records/record-batch.ts';
import { RawClient } from './raw-client.ts';

export const TOPIC = 'topic';

/** A broker in memory with one topic of two partitions and a connection to it; both go with the test. */
export async function withBroker(
  test: TestContext,
  options: StartBrokerOptions = {},
): Promise<{ broker: RunningBroker; client: RawClient }> {
  const broker = await startBroker({ port: 0, ...options });
  test.after(() => broker.close());
  const client = await connectTo(test, broker);
  await createTopic(client, TOPIC, 2);
  return { broker, client };
}

export async function connectTo(test: TestContext, broker: RunningBroker): Promise<RawClient> {
  const client = await RawClient.connect(broker.address.port);
  test.after(() => client.close());
  return client;
}

export async function createTopic(
  client: RawClient,
  name: string,
  numPartitions: number,
  configs: readonly { name: string; value: string }[] = [],
): Promise<number> {
  const { topics } = await client.request(createTopicsApi, 5, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }],
    timeoutMs: 5000,
  });
  return topics[0]!.errorCode;
}

/** A batch of one record per value. */
export function batchOf(values: readonly string[], fields: Omit<RecordBatchInput, 'records'> = {}): Buffer {
  const timestamp = Date.now();
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), headers: [], timestamp }));
  return encodeRecordBatch({ ...fields, records });
}

export function produceRequest(
  records: Buffer,
  change: { partition?: number; acks?: number; topic?: string } = {},
) {
  const { partition: index = 0, acks = 1, topic: name = TOPIC } = change;
  return { acks, timeoutMs: 5000, topicData: [{ name, partitionData: [{ index, records }] }] };
}

export async function produce(
  client: RawClient,
  records: Buffer,
  change: Parameters<typeof produceRequest>[1] & { version?: number } = {},
): Promise<ProduceResponsePartition> {
  const { responses } = await client.request(
    produceApi,
    change.version ?? 9,
    produceRequest(records, change),
  );
  return responses[0]!.partitionResponses[0]!;
}

export interface FetchChange {
  readonly partition?: number;
  readonly offset?: number;
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly version?: number;
  readonly topic?: string;
  readonly isolationLevel?: number;
}

export function fetchRequest(change: FetchChange = {}) {
  const { partition = 0, offset = 0, maxWaitMs = 0, minBytes = 1, maxBytes = 50_000_000 } = change;
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: change.isolationLevel ?? 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: change.topic ?? TOPIC,
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes }],
      },
    ],
  };
}

export async function fetch(
  client: RawClient,
  change: FetchChange = {},
): Promise<FetchResponsePartitionData> {
  const version = change.version ?? 11;
  const request = fetchRequest(change);
  const { responses } = await client.request(
    fetchApi,
    version,
    version < 7 ? { ...request, sessionEpoch: undefined } : request,
  );
  return responses[0]!.partitions[0]!;
}
