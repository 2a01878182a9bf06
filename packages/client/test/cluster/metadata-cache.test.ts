import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetadataResponse } from '@odradek/protocol/generated/metadata-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { MetadataCache } from '../../src/cluster/metadata-cache.ts';

const ID_1 = 'AAAAAAAAAAAAAAAAAAAAAQ';
const ID_2 = 'AAAAAAAAAAAAAAAAAAAAAg';

function answer(
  topicId: string,
  leaders: readonly (readonly [leaderId: number, leaderEpoch: number])[],
  errorCode = 0,
): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: [1, 2].map((nodeId) => ({ nodeId, host: `host${nodeId}`, port: 9092, rack: null })),
    clusterId: 'c',
    controllerId: 1,
    topics: [
      {
        errorCode,
        name: 't',
        topicId,
        isInternal: false,
        partitions: leaders.map(([leaderId, leaderEpoch], partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId,
          leaderEpoch,
          replicaNodes: [1, 2],
          isrNodes: [1, 2],
          offlineReplicas: [],
        })),
        topicAuthorizedOperations: 0,
      },
    ],
    clusterAuthorizedOperations: 0,
    errorCode: 0,
  };
}

function leadersAfter(...answers: MetadataResponse[]): (number | undefined)[] {
  const cache = new MetadataCache();
  return answers.map((each) => {
    cache.apply(each);
    return cache.partition('t', 0)?.leaderId;
  });
}

test('client pitfall A19: an answer with an older leader epoch does not bring back a former leader', () => {
  assert.deepEqual(
    leadersAfter(answer(ID_1, [[1, 5]]), answer(ID_1, [[2, 4]]), answer(ID_1, [[2, 6]])),
    [1, 1, 2],
  );
});

test('client pitfall A20: a move with the same or an unknown epoch is followed', () => {
  assert.deepEqual(
    leadersAfter(answer(ID_1, [[1, 5]]), answer(ID_1, [[2, 5]]), answer(ID_1, [[1, -1]])),
    [1, 2, 1],
  );
});

test('client pitfall A21: a topic made anew starts afresh, with a new id or where there are no ids', () => {
  assert.deepEqual(leadersAfter(answer(ID_1, [[1, 5]]), answer(ID_2, [[2, 0]])), [1, 2]);
  assert.deepEqual(leadersAfter(answer(ZERO_UUID, [[1, 5]]), answer(ZERO_UUID, [[2, 0]])), [1, 2]);
});

test('client pitfall A18: a topic never loses partitions to a broker that lags', () => {
  const cache = new MetadataCache();
  cache.apply(
    answer(ID_1, [
      [1, 0],
      [2, 0],
    ]),
  );
  cache.apply(answer(ID_1, [[1, 0]]));
  assert.equal(cache.topic('t')?.partitions.length, 2);
});

test('client pitfall A17: a topic with an error keeps what was known of it, and the error is told', () => {
  const cache = new MetadataCache();
  cache.apply(answer(ID_1, [[1, 0]]));
  assert.deepEqual([...cache.apply(answer(ID_1, [], 3))], [['t', 3]]);
  assert.equal(cache.partition('t', 0)?.leaderId, 1);
});

test('client pitfall A15: an answer without brokers does not wipe the known ones', () => {
  const cache = new MetadataCache();
  cache.apply(answer(ID_1, [[1, 0]]));
  cache.apply({ ...answer(ID_1, [[1, 0]]), brokers: [], controllerId: -1 });
  assert.deepEqual(
    cache.nodes.map(({ nodeId }) => nodeId),
    [1, 2],
  );
  assert.equal(cache.controllerId, 1);
});

test('topics are found by id, and no longer by the id of a former topic', () => {
  const cache = new MetadataCache();
  cache.apply(answer(ID_1, [[1, 0]]));
  assert.equal(cache.topicName(ID_1), 't');
  cache.apply(answer(ID_2, [[1, 0]]));
  assert.deepEqual([cache.topicName(ID_1), cache.topicName(ID_2)], [undefined, 't']);
});

test('what a broker says of a newer leader is taken over (KIP-951), an older one or a broker that is not known is not', () => {
  const cache = new MetadataCache();
  cache.apply(answer(ID_1, [[1, 5]]));
  const noted = (leaderId: number, leaderEpoch: number, partition = 0): boolean =>
    cache.noteLeader('t', partition, { leaderId, leaderEpoch });
  assert.deepEqual([noted(2, 5), noted(-1, -1), noted(9, 6), noted(2, 6, 1)], [false, false, false, false]);
  assert.equal(cache.partition('t', 0)?.leaderId, 1);
  assert.equal(noted(2, 6), true);
  assert.deepEqual([cache.partition('t', 0)?.leaderId, cache.partition('t', 0)?.leaderEpoch], [2, 6]);
});
