import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FetchPartition } from '@odradek/core/replication/fetch-request.ts';
import { FetchSessions } from '@odradek/core/replication/fetch-sessions.ts';
import { failedRead, type FetchReading } from '@odradek/core/replication/read-partitions.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { FetchRequest } from '@odradek/protocol/generated/fetch-request.ts';
import type { FetchResponseInput } from '@odradek/protocol/generated/fetch-response.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { fetchHandler } from '../../src/handlers/fetch.ts';
import type { RequestContext } from '../../src/handlers/handler.ts';
import { countingRandom, ManualTime } from '../../../core/test/log/log-world.ts';

/** Of a broker whose every read ends with this error. */
function contextOf(apiVersion: number, errorCode: number): RequestContext {
  const fetch = (
    requests: readonly FetchPartition[],
    _limits: unknown,
    done: (reading: FetchReading) => void,
  ): null => {
    const results = requests.map((request) => failedRead(request, errorCode));
    done({ results, sizeBytes: 0, urgent: true });
    return null;
  };
  const broker = {
    config: { fetchMaxBytes: 1_000_000 },
    fetchSessions: new FetchSessions(10, new ManualTime(), countingRandom()),
    metadata: { topicName: () => undefined, partition: () => undefined, brokers: () => [] },
    replicas: { fetch, partition: () => undefined },
  };
  return { apiVersion, listenerName: 'PLAINTEXT', broker } as unknown as RequestContext;
}

function requestOf(apiVersion: number): FetchRequest {
  const writer = new Writer();
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }];
  const request = { maxWaitMs: 0, minBytes: 0, sessionEpoch: apiVersion >= 7 ? -1 : undefined };
  fetchApi.writeRequest(writer, { ...request, topics: [{ topic: 'topic', partitions }] }, apiVersion);
  return fetchApi.readRequest(new Reader(writer.toBuffer()), apiVersion);
}

async function codeTold(apiVersion: number, errorCode: number): Promise<number | undefined> {
  const answer = await fetchHandler.handle(requestOf(apiVersion), contextOf(apiVersion, errorCode));
  return (answer as FetchResponseInput).responses[0]!.partitions[0]!.errorCode;
}

test('pitfall 83: up to v5 an error of the storage is NOT_LEADER_OR_FOLLOWER, which old clients know', async () => {
  for (let version = 0; version <= 12; version++) {
    const expected = version <= 5 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.KAFKA_STORAGE_ERROR;
    assert.equal(await codeTold(version, ErrorCode.KAFKA_STORAGE_ERROR), expected, `v${version}`);
    assert.equal(await codeTold(version, ErrorCode.FENCED_LEADER_EPOCH), ErrorCode.FENCED_LEADER_EPOCH);
  }
});
