import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { consumerGroupDescribeApi } from '@odradek/protocol/generated/apis/consumer-group-describe.ts';
import type { DeleteGroupsResponse } from '@odradek/protocol/generated/delete-groups-response.ts';
import type { DescribeGroupsResponse } from '@odradek/protocol/generated/describe-groups-response.ts';
import type { HeartbeatResponse } from '@odradek/protocol/generated/heartbeat-response.ts';
import type { JoinGroupResponse } from '@odradek/protocol/generated/join-group-response.ts';
import type { LeaveGroupResponse } from '@odradek/protocol/generated/leave-group-response.ts';
import type { ListGroupsResponse } from '@odradek/protocol/generated/list-groups-response.ts';
import type { OffsetCommitResponse } from '@odradek/protocol/generated/offset-commit-response.ts';
import type { OffsetDeleteResponse } from '@odradek/protocol/generated/offset-delete-response.ts';
import type { OffsetFetchResponse } from '@odradek/protocol/generated/offset-fetch-response.ts';
import type { SyncGroupResponse } from '@odradek/protocol/generated/sync-group-response.ts';
import { deleteGroupsHandler } from '../../src/handlers/delete-groups.ts';
import { describeGroupsHandler } from '../../src/handlers/describe-groups.ts';
import { heartbeatHandler } from '../../src/handlers/heartbeat.ts';
import { handlerRegistry } from '../../src/handlers/index.ts';
import { joinGroupHandler } from '../../src/handlers/join-group.ts';
import { leaveGroupHandler } from '../../src/handlers/leave-group.ts';
import { listGroupsHandler } from '../../src/handlers/list-groups.ts';
import { offsetCommitHandler } from '../../src/handlers/offset-commit.ts';
import { offsetDeleteHandler } from '../../src/handlers/offset-delete.ts';
import { offsetFetchHandler } from '../../src/handlers/offset-fetch.ts';
import { syncGroupHandler } from '../../src/handlers/sync-group.ts';
import { GroupBroker, topicIdOf } from './group-broker.ts';

const GROUP = 'the-group';

async function groupBroker(): Promise<GroupBroker> {
  const broker = new GroupBroker();
  broker.createTopic('topic', 2);
  await broker.createOffsetsTopic();
  return broker;
}

function versionsOf({ versionMin, versionMax }: { versionMin: number; versionMax: number }): number[] {
  return Array.from({ length: versionMax - versionMin + 1 }, (_, i) => versionMin + i);
}

function joinRequest(fields: object = {}) {
  return {
    groupId: GROUP,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('metadata') }],
    ...fields,
  };
}

async function join(broker: GroupBroker, version: number, fields: object = {}): Promise<JoinGroupResponse> {
  const pending = broker.send(joinGroupHandler, version, joinRequest(fields));
  broker.time.advance(0);
  return (await pending) as JoinGroupResponse;
}

async function stableMember(broker: GroupBroker): Promise<{ memberId: string; generationId: number }> {
  const { memberId, generationId } = await join(broker, 3);
  const assignments = [{ memberId, assignment: Buffer.from('mine') }];
  await broker.send(syncGroupHandler, 3, { groupId: GROUP, memberId, generationId, assignments });
  return { memberId, generationId };
}

async function commit(
  broker: GroupBroker,
  version: number,
  topic: object,
  fields: object = {},
): Promise<OffsetCommitResponse> {
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }];
  const message = { groupId: GROUP, topics: [{ partitions, ...topic }], ...fields };
  return (await broker.send(offsetCommitHandler, version, message)) as OffsetCommitResponse;
}

function commitErrors({ topics }: OffsetCommitResponse): number[] {
  return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}

async function fetch(broker: GroupBroker, version: number, message: object): Promise<OffsetFetchResponse> {
  return (await broker.send(offsetFetchHandler, version, message)) as OffsetFetchResponse;
}

suite('membership in every version', () => {
  test('join, sync, heartbeat and leave', async () => {
    for (const version of versionsOf(joinGroupHandler)) {
      const broker = await groupBroker();
      let joined = await join(broker, version);
      if (version >= 4) {
        assert.equal(joined.errorCode, ErrorCode.MEMBER_ID_REQUIRED);
        joined = await join(broker, version, { memberId: joined.memberId });
      }
      const { memberId, generationId } = joined;
      assert.deepEqual([joined.errorCode, generationId, joined.leader], [0, 1, memberId]);
      assert.equal(joined.members[0]!.metadata.toString(), 'metadata');
      const syncVersion = Math.min(version, syncGroupHandler.versionMax);
      const named = syncVersion >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {};
      const assignments = [{ memberId, assignment: Buffer.from('mine') }];
      const syncRequest = { groupId: GROUP, memberId, generationId, assignments, ...named };
      const synced = (await broker.send(syncGroupHandler, syncVersion, syncRequest)) as SyncGroupResponse;
      assert.equal(synced.assignment.toString(), 'mine');
      const heartbeatVersion = Math.min(version, heartbeatHandler.versionMax);
      const beat = { groupId: GROUP, memberId, generationId };
      const beaten = (await broker.send(heartbeatHandler, heartbeatVersion, beat)) as HeartbeatResponse;
      assert.equal(beaten.errorCode, 0);
      const leaveVersion = Math.min(version, leaveGroupHandler.versionMax);
      const leaving = leaveVersion < 3 ? { memberId } : { members: [{ memberId }] };
      const left = await broker.send(leaveGroupHandler, leaveVersion, { groupId: GROUP, ...leaving });
      assert.equal((left as LeaveGroupResponse).errorCode, 0);
    }
  });

  test('pitfall 116: without a protocol its name is "" up to v6 and null from v7 on', async () => {
    const broker = await groupBroker();
    for (const version of versionsOf(joinGroupHandler)) {
      const refused = await join(broker, version, { memberId: 'x' });
      assert.deepEqual(
        [refused.errorCode, refused.protocolName, refused.memberId],
        [ErrorCode.UNKNOWN_MEMBER_ID, version < 7 ? '' : null, 'x'],
      );
    }
  });

  test('pitfall 117: the instance ids of other members are left out below v5', async () => {
    const broker = await groupBroker();
    const leading = broker.send(joinGroupHandler, 3, joinRequest());
    const following = broker.send(joinGroupHandler, 5, joinRequest({ groupInstanceId: 'one' }));
    broker.time.advance(0);
    const [leader] = (await Promise.all([leading, following])) as JoinGroupResponse[];
    assert.deepEqual(
      leader!.members.map(({ groupInstanceId }) => groupInstanceId),
      [null, null],
    );
  });

  test('pitfall 122: v0 has no rebalance timeout: the session is it', async () => {
    const broker = await groupBroker();
    const first = await join(broker, 0, { rebalanceTimeoutMs: undefined });
    const again = broker.send(
      joinGroupHandler,
      0,
      joinRequest({ memberId: first.memberId, rebalanceTimeoutMs: undefined }),
    );
    assert.equal(((await again) as JoinGroupResponse).errorCode, 0);
    void broker.send(joinGroupHandler, 0, joinRequest({ rebalanceTimeoutMs: undefined }));
    const request = { groupId: GROUP, memberId: first.memberId, generationId: 1 };
    broker.time.advance(9_999);
    const before = (await broker.send(heartbeatHandler, 0, request)) as HeartbeatResponse;
    assert.equal(before.errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
    broker.time.advance(1);
    const after = (await broker.send(heartbeatHandler, 0, request)) as HeartbeatResponse;
    assert.equal(after.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('pitfall 125: v5 of SyncGroup must name protocol type and protocol', async () => {
    const broker = await groupBroker();
    const member = await stableMember(broker);
    for (const named of [
      { protocolType: null, protocolName: 'range' },
      { protocolType: 'consumer', protocolName: null },
    ]) {
      const request = { groupId: GROUP, ...member, assignments: [], ...named };
      const refused = (await broker.send(syncGroupHandler, 5, request)) as SyncGroupResponse;
      assert.equal(refused.errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    }
  });

  test('pitfall 125, 127: while loading a sync is REBALANCE_IN_PROGRESS and a heartbeat no error', async () => {
    const broker = await groupBroker();
    const member = await stableMember(broker);
    broker.restart();
    const request = { groupId: GROUP, ...member };
    const synced = await broker.send(syncGroupHandler, 3, { ...request, assignments: [] });
    assert.equal((synced as SyncGroupResponse).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
    assert.equal(((await broker.send(heartbeatHandler, 3, request)) as HeartbeatResponse).errorCode, 0);
    const joined = await broker.send(joinGroupHandler, 3, joinRequest());
    assert.equal((joined as JoinGroupResponse).errorCode, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    broker.time.advance(0);
    assert.equal(((await broker.send(heartbeatHandler, 3, request)) as HeartbeatResponse).errorCode, 0);
    const kept = (await broker.send(syncGroupHandler, 3, {
      ...request,
      assignments: [],
    })) as SyncGroupResponse;
    assert.equal(kept.assignment.toString(), 'mine');
  });

  test('pitfall 129: LeaveGroup up to v2 has the code of its member on top', async () => {
    const broker = await groupBroker();
    for (const version of versionsOf(leaveGroupHandler)) {
      const members = version < 3 ? { memberId: 'x' } : { members: [{ memberId: 'x' }] };
      const left = (await broker.send(leaveGroupHandler, version, {
        groupId: GROUP,
        ...members,
      })) as LeaveGroupResponse;
      const expected = version < 3 ? [ErrorCode.UNKNOWN_MEMBER_ID] : [0, ErrorCode.UNKNOWN_MEMBER_ID];
      assert.deepEqual([left.errorCode, ...left.members.map(({ errorCode }) => errorCode)], expected);
    }
  });
});

suite('offsets in every version', () => {
  test('what is committed in any version from 1 is fetched in any other', async () => {
    for (const version of versionsOf(offsetCommitHandler).slice(1)) {
      const broker = await groupBroker();
      const topic = version >= 10 ? { topicId: topicIdOf(0) } : { name: 'topic' };
      assert.deepEqual(commitErrors(await commit(broker, version, topic)), [0]);
      for (const fetchVersion of versionsOf(offsetFetchHandler).slice(1)) {
        const named = {
          ...(fetchVersion >= 10 ? { topicId: topicIdOf(0) } : { name: 'topic' }),
          partitionIndexes: [0],
        };
        const message =
          fetchVersion >= 8
            ? { groups: [{ groupId: GROUP, topics: [named] }] }
            : { groupId: GROUP, topics: [named] };
        const response = await fetch(broker, fetchVersion, message);
        const [found] = (response.groups[0] ?? response).topics;
        assert.deepEqual([found!.partitions[0]!.committedOffset, found!.partitions[0]!.metadata], [5, '']);
      }
    }
  });

  test('v0 keeps offsets in the coordination tree; what is not there is UNKNOWN_TOPIC_OR_PARTITION', async () => {
    const broker = await groupBroker();
    const request = { groupId: GROUP, topics: [{ name: 'topic', partitionIndexes: [0, 1, 9] }] };
    assert.deepEqual(commitErrors(await commit(broker, 0, { name: 'topic' })), [0]);
    assert.deepEqual([...broker.legacyOffsets.stored], [[`${GROUP}/topic/0`, 5]]);
    const [topic] = (await fetch(broker, 0, request)).topics;
    assert.deepEqual(
      topic!.partitions.map(({ committedOffset, metadata, errorCode }) => [
        committedOffset,
        metadata,
        errorCode,
      ]),
      [
        [5, '', 0],
        [-1, '', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
        [-1, '', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ],
    );
    assert.equal((await fetch(broker, 1, request)).topics[0]!.partitions[0]!.committedOffset, -1);
  });

  test('pitfall 132: what does not exist is told before the coordinator is asked, and nothing is answered at once', async () => {
    const broker = new GroupBroker();
    broker.createTopic('topic', 2);
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    assert.deepEqual(commitErrors(await commit(broker, 8, { name: 'absent' })), [unknown]);
    assert.deepEqual(commitErrors(await commit(broker, 10, { topicId: topicIdOf(9) })), [
      ErrorCode.UNKNOWN_TOPIC_ID,
    ]);
    const empty = (await broker.send(offsetCommitHandler, 8, {
      groupId: GROUP,
      topics: [],
    })) as OffsetCommitResponse;
    assert.deepEqual(empty.topics, []);
    await broker.createOffsetsTopic();
    const partitions = [99, 0, 1].map((partitionIndex) => ({
      partitionIndex,
      committedOffset: 1,
      committedMetadata: partitionIndex === 1 ? 'x'.repeat(4_097) : '',
    }));
    const mixed = await commit(broker, 8, { name: 'topic', partitions });
    assert.deepEqual(commitErrors(mixed), [unknown, 0, ErrorCode.OFFSET_METADATA_TOO_LARGE]);
  });

  test('pitfall 130: an unknown group with a generation is 22, and 69 from v9 on', async () => {
    const broker = await groupBroker();
    for (const version of versionsOf(offsetCommitHandler).slice(1)) {
      const topic = version >= 10 ? { topicId: topicIdOf(0) } : { name: 'topic' };
      const response = await commit(broker, version, topic, { generationIdOrMemberEpoch: 1, memberId: 'x' });
      const expected = version >= 9 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION;
      assert.deepEqual(commitErrors(response), [expected], `v${version}`);
    }
  });

  test('pitfall 136: an error of the group is on each partition in v1, on top up to v7, then per group', async () => {
    const broker = new GroupBroker();
    broker.createTopic('topic', 2);
    const topics = [{ name: 'topic', partitionIndexes: [0, 1] }];
    const code = ErrorCode.NOT_COORDINATOR;
    for (const version of versionsOf(offsetFetchHandler).slice(1, 10)) {
      const response = await fetch(
        broker,
        version,
        version >= 8 ? { groups: [{ groupId: GROUP, topics }] } : { groupId: GROUP, topics },
      );
      const partitions = response.topics.flatMap((topic) =>
        topic.partitions.map(({ errorCode }) => errorCode),
      );
      if (version === 1) assert.deepEqual(partitions, [code, code]);
      else if (version < 8) assert.deepEqual([response.errorCode, partitions], [code, []]);
      else
        assert.deepEqual(
          response.groups.map(({ errorCode, topics: told }) => [errorCode, told]),
          [[code, []]],
        );
    }
  });

  test('pitfall 135: all topics, with ids from v10 on, without topics that are gone', async () => {
    const broker = await groupBroker();
    broker.createTopic('other', 1);
    await commit(broker, 8, { name: 'topic' });
    await commit(broker, 8, { name: 'other' });
    broker.topics.delete('other');
    const all = { groups: [{ groupId: GROUP, topics: null }] };
    assert.deepEqual(
      (await fetch(broker, 9, all)).groups[0]!.topics.map(({ name }) => name),
      ['topic', 'other'],
    );
    assert.deepEqual(
      (await fetch(broker, 10, all)).groups[0]!.topics.map(({ topicId }) => topicId),
      [topicIdOf(0)],
    );
    assert.deepEqual(
      (await fetch(broker, 9, { groups: [{ groupId: GROUP, topics: [] }] })).groups[0]!.topics,
      [],
    );
  });

  test('v10 names unknown topic ids with UNKNOWN_TOPIC_ID', async () => {
    const broker = await groupBroker();
    const topics = [{ topicId: topicIdOf(9), partitionIndexes: [0] }];
    const [group] = (await fetch(broker, 10, { groups: [{ groupId: GROUP, topics }] })).groups;
    assert.equal(group!.errorCode, 0);
    assert.deepEqual(group!.topics[0]!.partitions[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_ID);
  });

  test('pitfall 139: a member epoch is of no account for a classic group', async () => {
    const broker = await groupBroker();
    await commit(broker, 8, { name: 'topic' });
    const [group] = (
      await fetch(broker, 9, { groups: [{ groupId: GROUP, memberId: 'x', memberEpoch: 7, topics: null }] })
    ).groups;
    assert.deepEqual([group!.errorCode, group!.topics.length], [0, 1]);
  });

  test('deleting offsets: of what does not exist, and of what does', async () => {
    const broker = await groupBroker();
    await commit(broker, 8, { name: 'topic' });
    const topics = [
      { name: 'absent', partitions: [{ partitionIndex: 0 }] },
      { name: 'topic', partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] },
    ];
    const deleted = (await broker.send(offsetDeleteHandler, 0, {
      groupId: GROUP,
      topics,
    })) as OffsetDeleteResponse;
    const codes = deleted.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    assert.deepEqual(codes, [
      [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    const gone = (await broker.send(offsetDeleteHandler, 0, {
      groupId: GROUP,
      topics,
    })) as OffsetDeleteResponse;
    assert.deepEqual([gone.errorCode, gone.topics], [ErrorCode.GROUP_ID_NOT_FOUND, []]);
  });
});

suite('administration in every version', () => {
  test('pitfall 140: an unknown group is Dead up to v5, and GROUP_ID_NOT_FOUND with a message from v6 on', async () => {
    const broker = await groupBroker();
    for (const version of versionsOf(describeGroupsHandler)) {
      const response = await broker.send(describeGroupsHandler, version, { groups: ['absent'] });
      const [group] = (response as DescribeGroupsResponse).groups;
      const expected =
        version < 6 ? [0, null, 'Dead'] : [ErrorCode.GROUP_ID_NOT_FOUND, 'Group absent not found.', 'Dead'];
      assert.deepEqual([group!.errorCode, group!.errorMessage, group!.groupState], expected);
      assert.deepEqual([group!.protocolType, group!.protocolData, group!.members], ['', '', []]);
    }
  });

  test('what the caller may do is told when asked for, from v3 on', async () => {
    const broker = await groupBroker();
    for (const [version, includeAuthorizedOperations, expected] of [
      [2, false, -2147483648],
      [3, false, -2147483648],
      [3, true, 328],
      [5, true, 328],
    ] as const) {
      const request = { groups: [GROUP], ...(version >= 3 ? { includeAuthorizedOperations } : {}) };
      const response = (await broker.send(describeGroupsHandler, version, request)) as DescribeGroupsResponse;
      assert.equal(response.groups[0]!.authorizedOperations, expected);
    }
  });

  test('pitfall 143: filters of states and types ignore case; unknown names match nothing', async () => {
    const broker = await groupBroker();
    await stableMember(broker);
    await commit(broker, 8, { name: 'topic' }, { groupId: 'offsets-only' });
    const list = async (filters: object) => {
      const response = (await broker.send(listGroupsHandler, 5, filters)) as ListGroupsResponse;
      return response.groups
        .map(({ groupId, groupState, groupType }) => `${groupId} ${groupState} ${groupType}`)
        .sort();
    };
    const all = ['offsets-only Empty classic', `${GROUP} Stable classic`];
    assert.deepEqual(await list({}), all);
    assert.deepEqual(await list({ statesFilter: ['STABLE'] }), all.slice(1));
    assert.deepEqual(await list({ statesFilter: ['empty', 'stable'], typesFilter: ['Classic'] }), all);
    assert.deepEqual(await list({ statesFilter: ['Unheard'] }), []);
    assert.deepEqual(await list({ typesFilter: ['consumer'] }), []);
  });

  test('pitfall 146: the empty group id is allowed for offsets, describing and deleting only', async () => {
    const broker = await groupBroker();
    const groupId = '';
    const code = ErrorCode.INVALID_GROUP_ID;
    assert.equal((await join(broker, 5, { groupId })).errorCode, code);
    const member = { groupId, memberId: 'x', generationId: 1 };
    assert.equal(((await broker.send(heartbeatHandler, 4, member)) as HeartbeatResponse).errorCode, code);
    const synced = await broker.send(syncGroupHandler, 4, { ...member, assignments: [] });
    assert.equal((synced as SyncGroupResponse).errorCode, code);
    const left = await broker.send(leaveGroupHandler, 4, { groupId, members: [{ memberId: 'x' }] });
    assert.equal((left as LeaveGroupResponse).errorCode, code);
    const deleted = await broker.send(offsetDeleteHandler, 0, { groupId, topics: [] });
    assert.equal((deleted as OffsetDeleteResponse).errorCode, code);

    assert.deepEqual(commitErrors(await commit(broker, 8, { name: 'topic' }, { groupId })), [0]);
    assert.equal((await fetch(broker, 5, { groupId, topics: null })).topics.length, 1);
    const described = (await broker.send(describeGroupsHandler, 5, {
      groups: [groupId],
    })) as DescribeGroupsResponse;
    assert.equal(described.groups[0]!.groupState, 'Empty');
    const gone = (await broker.send(deleteGroupsHandler, 2, {
      groupsNames: [groupId],
    })) as DeleteGroupsResponse;
    assert.equal(gone.results[0]!.errorCode, 0);
  });

  test('a group named twice is deleted and answered once', async () => {
    const broker = await groupBroker();
    await commit(broker, 8, { name: 'topic' });
    for (const version of versionsOf(deleteGroupsHandler)) {
      const response = await broker.send(deleteGroupsHandler, version, { groupsNames: [GROUP, GROUP] });
      const codes = (response as DeleteGroupsResponse).results.map(({ errorCode }) => errorCode);
      assert.deepEqual(codes, [version === 0 ? 0 : ErrorCode.GROUP_ID_NOT_FOUND]);
    }
  });

  test('pitfall 147: ConsumerGroupDescribe is not offered, so that clients use DescribeGroups', () => {
    assert.ok(!handlerRegistry.has(consumerGroupDescribeApi.key));
  });
});

test('when handling fails every item of the request has the code', () => {
  const code = ErrorCode.UNKNOWN_SERVER_ERROR;
  const context = (apiVersion: number) => ({ apiVersion }) as never;
  const topics = [{ name: 't', topicId: 'i', partitions: [{ partitionIndex: 3 }], partitionIndexes: [3] }];
  const failed = JSON.stringify([
    joinGroupHandler.failed(joinRequest() as never, code, context(3)),
    syncGroupHandler.failed({} as never, code, context(3)),
    heartbeatHandler.failed({} as never, code, context(3)),
    leaveGroupHandler.failed({} as never, code, context(3)),
    offsetCommitHandler.failed({ topics } as never, code, context(3)),
    offsetFetchHandler.failed({ topics } as never, code, context(1)),
    offsetFetchHandler.failed({ groups: [{ groupId: GROUP }] } as never, code, context(8)),
    offsetDeleteHandler.failed({} as never, code, context(0)),
    describeGroupsHandler.failed({ groups: [GROUP] } as never, code, context(3)),
    listGroupsHandler.failed({} as never, code, context(3)),
    deleteGroupsHandler.failed({ groupsNames: [GROUP] } as never, code, context(2)),
  ]);
  assert.equal(failed.match(/"errorCode":-1/g)?.length, 11);
});
