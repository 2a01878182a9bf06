import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { RawClient } from './raw-client.ts';
import { connectTo, TOPIC, withBroker } from './with-broker.ts';

const GROUP = 'group';
const OVERRIDES = { 'offsets.topic.num.partitions': '1', 'group.initial.rebalance.delay.ms': '0' };

async function findCoordinator(client: RawClient): Promise<void> {
  const { errorCode } = await client.request(findCoordinatorApi, 2, { key: GROUP, keyType: 0 });
  assert.equal(errorCode, 0);
}

/** A group of one, stable in its first generation. */
async function joinAlone(client: RawClient): Promise<string> {
  const { memberId, generationId } = await client.request(joinGroupApi, 3, {
    groupId: GROUP,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  });
  assert.equal(generationId, 1);
  const assignments = [{ memberId, assignment: Buffer.from('all') }];
  await client.request(syncGroupApi, 2, { groupId: GROUP, generationId, memberId, assignments });
  return memberId;
}

test('pitfall 53: while the offsets cannot be kept there is no coordinator, told in the form that clients retry upon', async (t) => {
  const { client } = await withBroker(t, {
    overrides: { ...OVERRIDES, 'offsets.topic.replication.factor': '3' },
  });
  const nowhere = { nodeId: -1, host: '', port: -1, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
  for (const version of [0, 1, 2, 3]) {
    const { nodeId, host, port, errorCode } = await client.request(findCoordinatorApi, version, {
      key: GROUP,
      ...(version >= 1 ? { keyType: 0 } : {}),
    });
    assert.deepEqual({ nodeId, host, port, errorCode }, nowhere, `v${version}`);
  }
  for (const version of [4, 5, 6]) {
    const request = { keyType: 0, coordinatorKeys: ['one', 'two'] };
    const { coordinators } = await client.request(findCoordinatorApi, version, request);
    assert.deepEqual(
      coordinators.map(({ key, nodeId, host, port, errorCode }) => ({ key, nodeId, host, port, errorCode })),
      [
        { key: 'one', ...nowhere },
        { key: 'two', ...nowhere },
      ],
      `v${version}`,
    );
  }
});

test('pitfall 54: a member may come by another connection, and lives on when its own is gone', async (t) => {
  const { broker, client } = await withBroker(t, { overrides: OVERRIDES });
  await findCoordinator(client);
  const memberId = await joinAlone(client);
  const other = await connectTo(t, broker);
  const beat = (from: RawClient) =>
    from.request(heartbeatApi, 3, { groupId: GROUP, generationId: 1, memberId });
  assert.equal((await beat(other)).errorCode, 0);
  client.close();
  const third = await connectTo(t, broker);
  assert.equal((await beat(third)).errorCode, 0);
  assert.equal((await third.request(leaveGroupApi, 2, { groupId: GROUP, memberId })).errorCode, 0);
});

test('pitfall 135: a topic is spelled in a fetch of all offsets as it was committed', async (t) => {
  const { client } = await withBroker(t, { overrides: OVERRIDES });
  await findCoordinator(client);
  const partitions = [{ partitionIndex: 1, committedOffset: 5, committedMetadata: null }];
  await client.request(offsetCommitApi, 2, {
    groupId: GROUP,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: TOPIC, partitions }],
  });
  const { topics } = await client.request(offsetFetchApi, 2, { groupId: GROUP, topics: null });
  assert.deepEqual(
    topics.map(({ name }) => name),
    [TOPIC],
  );
});
