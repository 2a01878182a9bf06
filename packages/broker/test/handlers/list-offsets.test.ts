import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listOffsetsHandler } from '../../src/handlers/list-offsets.ts';
import type { RequestContext } from '../../src/handlers/handler.ts';
import { append, follow, leadershipOf, NODE, world } from '../../../core/test/replication/replica-world.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import type { ListOffsetsResponse } from '@odradek/protocol/generated/list-offsets-response.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { RawClient } from '../serving/raw-client.ts';
import { batchOf, produce, TOPIC, withBroker } from '../serving/with-broker.ts';

const TIMESTAMP_NAMES = { latest: -1, earliest: -2, max: -3, local: -4, tiered: -5, pending: -6, none: -7 };

async function answersIn(client: RawClient, version: number): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const [name, timestamp] of Object.entries(TIMESTAMP_NAMES)) {
    const { topics } = await client.request(listOffsetsApi, version, {
      replicaId: -1,
      topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    const { errorCode, offset } = topics[0]!.partitions[0]!;
    answers[name] = errorCode === ErrorCode.UNSUPPORTED_VERSION ? 'unsupported' : String(offset);
  }
  return answers;
}

test('each special time is known from its version on, and means what Kafka means without remote storage', async (t) => {
  const { client } = await withBroker(t);
  await produce(client, batchOf(['a', 'b']));
  const plain = { latest: '2', earliest: '0' };
  const unsupported = {
    max: 'unsupported',
    local: 'unsupported',
    tiered: 'unsupported',
    pending: 'unsupported',
    none: 'unsupported',
  };
  assert.deepEqual(await answersIn(client, 6), { ...plain, ...unsupported });
  const { max, ...answersOfV11 } = await answersIn(client, 11);
  assert.match(max!, /^[01]$/);
  assert.deepEqual(answersOfV11, { ...plain, local: '0', tiered: '-1', pending: '-1', none: 'unsupported' });
  assert.equal((await answersIn(client, 10))['pending'], 'unsupported');
});

test('F24: a new leader tells of no end before it knows what was committed; replicas are told', () => {
  const here = world();
  const replicas = { replicas: [NODE, 2], isr: [NODE, 2] };
  here.replicas.applyLeadership([leadershipOf(0, { ...replicas, leaderEpoch: 1 })]);
  append(here, 0, 1);
  append(here, 0, 1);
  follow(here, 2, 1);
  here.replicas.applyLeadership([leadershipOf(0, { ...replicas, leaderEpoch: 2 })]);
  const broker = { replicas: here.replicas };
  const ask = (timestamp: number, apiVersion = 9, replicaId = -1) => {
    const partitions = [{ partitionIndex: 0, timestamp, currentLeaderEpoch: -1, maxNumOffsets: 1 }];
    const request = { replicaId, isolationLevel: 0, timeoutMs: 0, topics: [{ name: 't', partitions }] };
    const answer = listOffsetsHandler.handle(request, { apiVersion, broker } as unknown as RequestContext);
    const { topics } = answer as unknown as ListOffsetsResponse;
    const { errorCode, offset } = topics[0]!.partitions[0]!;
    return errorCode === 0 ? offset : errorCode;
  };
  const { latest, earliest } = TIMESTAMP_NAMES;
  const { OFFSET_NOT_AVAILABLE, LEADER_NOT_AVAILABLE } = ErrorCode;
  assert.equal(ask(latest), OFFSET_NOT_AVAILABLE);
  assert.equal(ask(latest, 4), LEADER_NOT_AVAILABLE);
  assert.equal(ask(2_000_000_000_000), OFFSET_NOT_AVAILABLE, 'later than all that is committed');
  assert.equal(ask(1), 0, 'a committed record answers');
  assert.equal(ask(earliest), 0);
  assert.equal(ask(latest, 9, 2), 2);
  follow(here, 2, 2);
  assert.equal(ask(latest), 2);
});
