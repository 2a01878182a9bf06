import { deleteGroupsApi } from '@odradek/protocol/generated/apis/delete-groups.ts';
import { describeGroupsApi } from '@odradek/protocol/generated/apis/describe-groups.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { listGroupsApi } from '@odradek/protocol/generated/apis/list-groups.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetDeleteApi } from '@odradek/protocol/generated/apis/offset-delete.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import type { JoinGroupRequestInput } from '@odradek/protocol/generated/join-group-request.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import {
  TOPIC,
  commitRequest,
  describeRequest,
  fetchRequest,
  joinRequest,
  leaveRequest,
  subscription,
  syncRequest,
} from './requests.ts';
import type { Conversation } from '../wire/compare-with-kafka.ts';
import type { Transcript } from '../wire/transcript.ts';

/** From v10 on topics have ids, which two brokers do not share. */
const TOPIC_NAMES_MAX = 9;

function named(versions: number[]): number[] {
  return versions.filter((version) => version <= TOPIC_NAMES_MAX);
}

/** A member that has joined, with a connection of its own. */
interface Member {
  readonly connection: RawConnection;
  readonly memberId: string;
  readonly generationId: number;
}

/** Joins as the newest client does: again with the id that it is told, where there is one to be told. */
async function joined(
  t: Transcript,
  group: string,
  given: Partial<JoinGroupRequestInput> = {},
): Promise<Member> {
  const version = t.newest(joinGroupApi);
  const connection = await t.connection();
  let response = await t.ask('join', joinGroupApi, version, joinRequest(group, given), connection);
  if (response!.errorCode !== 0) {
    const again = joinRequest(group, { ...given, memberId: response!.memberId });
    response = await t.ask('join again', joinGroupApi, version, again, connection);
  }
  const { memberId, generationId } = response!;
  return { connection, memberId, generationId };
}

/** A group of one member that is Stable. */
async function stable(
  t: Transcript,
  group: string,
  given: Partial<JoinGroupRequestInput> = {},
): Promise<Member> {
  const member = await joined(t, group, given);
  const version = t.newest(syncGroupApi);
  const { memberId, generationId } = member;
  const assignments = [{ memberId, assignment: Buffer.from('mine') }];
  const protocolType = given.protocolType ?? 'consumer';
  const groupInstanceId = given.groupInstanceId ?? null;
  const request = syncRequest(version, group, {
    memberId,
    generationId,
    groupInstanceId,
    assignments,
    protocolType,
  });
  await t.ask('sync', syncGroupApi, version, request, member.connection);
  return member;
}

async function everyApi(t: Transcript, group: string): Promise<void> {
  for (const version of t.versionsOf(joinGroupApi)) {
    await t.ask('join with an id', joinGroupApi, version, joinRequest(group, { memberId: 'x' }));
    const tooShort = joinRequest(group, { memberId: 'x', sessionTimeoutMs: 10 });
    await t.ask('join, short session', joinGroupApi, version, tooShort);
  }
  for (const version of t.versionsOf(syncGroupApi)) {
    const request = syncRequest(version, group, { memberId: 'x', generationId: 1 });
    await t.ask('sync', syncGroupApi, version, request);
  }
  for (const version of t.versionsOf(heartbeatApi)) {
    await t.ask('heartbeat', heartbeatApi, version, { groupId: group, generationId: 1, memberId: 'x' });
  }
  for (const version of t.versionsOf(leaveGroupApi)) {
    await t.ask('leave', leaveGroupApi, version, leaveRequest(version, group, { memberId: 'x' }));
  }
  for (const version of named(t.versionsOf(offsetCommitApi))) {
    const request = commitRequest(
      group,
      version === 0 ? {} : { generationIdOrMemberEpoch: 3, memberId: 'x' },
    );
    await t.ask('commit with a generation', offsetCommitApi, version, request);
  }
  for (const version of named(t.versionsOf(offsetFetchApi))) {
    const topics = [
      { name: TOPIC, partitionIndexes: [0, 1] },
      { name: 'absent', partitionIndexes: [0] },
    ];
    await t.ask('fetch', offsetFetchApi, version, fetchRequest(version, group, topics));
    if (version >= 2) await t.ask('fetch all', offsetFetchApi, version, fetchRequest(version, group, null));
  }
  for (const version of t.versionsOf(describeGroupsApi)) {
    await t.ask('describe', describeGroupsApi, version, describeRequest(group));
  }
  const partitions = [{ partitionIndex: 0 }];
  await t.ask('delete offsets', offsetDeleteApi, 0, {
    groupId: group,
    topics: [{ name: TOPIC, partitions }],
  });
  for (const version of t.versionsOf(deleteGroupsApi)) {
    await t.ask('delete', deleteGroupsApi, version, { groupsNames: [group, group] });
  }
}

const unknownGroup: Conversation = (t, group) => everyApi(t, group);

const emptyGroupId: Conversation = (t) => everyApi(t, '');

const lifeInEveryVersion: Conversation = async (t, group) => {
  for (const version of t.versionsOf(joinGroupApi)) {
    const groupId = `${group}-v${version}`;
    const connection = await t.connection();
    let joining = await t.ask('join', joinGroupApi, version, joinRequest(groupId), connection);
    if (joining!.errorCode !== 0) {
      const again = joinRequest(groupId, { memberId: joining!.memberId });
      joining = await t.ask('join again', joinGroupApi, version, again, connection);
    }
    const { memberId, generationId } = joining!;
    const syncVersion = Math.min(version, t.newest(syncGroupApi));
    const assignments = [{ memberId, assignment: Buffer.from('mine') }];
    const syncing = syncRequest(syncVersion, groupId, { memberId, generationId, assignments });
    await t.ask('sync', syncGroupApi, syncVersion, syncing, connection);
    const heartbeatVersion = Math.min(version, t.newest(heartbeatApi));
    await t.ask('heartbeat', heartbeatApi, heartbeatVersion, { groupId, memberId, generationId }, connection);
    const described = Math.min(version, t.newest(describeGroupsApi));
    await t.ask('describe', describeGroupsApi, described, describeRequest(groupId), connection);
    const leaveVersion = Math.min(version, t.newest(leaveGroupApi));
    await t.ask(
      'leave',
      leaveGroupApi,
      leaveVersion,
      leaveRequest(leaveVersion, groupId, { memberId }),
      connection,
    );
    await t.ask('describe', describeGroupsApi, described, describeRequest(groupId), connection);
  }
};

const badJoins: Conversation = async (t, group) => {
  for (const version of t.versionsOf(joinGroupApi)) {
    const ask = (label: string, given: Partial<JoinGroupRequestInput>) =>
      t.ask(label, joinGroupApi, version, joinRequest(`${group}-v${version}`, given));
    await ask('session too short', { sessionTimeoutMs: 5_999 });
    await ask('session too long', { sessionTimeoutMs: 1_800_001 });
    await ask('no protocols', { protocols: [] });
    await ask('no protocol type', { protocolType: '' });
  }
  await stable(t, group);
  for (const version of t.versionsOf(joinGroupApi)) {
    const ask = (label: string, given: Partial<JoinGroupRequestInput>) =>
      t.ask(label, joinGroupApi, version, joinRequest(group, given));
    await ask('another type', { protocolType: 'connect' });
    await ask('no protocol in common', { protocols: [{ name: 'other', metadata: Buffer.alloc(0) }] });
    await ask('no protocols', { protocols: [] });
    await ask('unknown member', { memberId: 'x' });
  }
};

const commits: Conversation = async (t, group) => {
  for (const version of named(t.versionsOf(offsetCommitApi))) {
    const groupId = `${group}-v${version}`;
    const ask = (label: string, request: ReturnType<typeof commitRequest>) =>
      t.ask(label, offsetCommitApi, version, request);
    await ask('simple', commitRequest(groupId, { offset: 10, metadata: 'note' }));
    await ask('null metadata', commitRequest(groupId, { partition: 1, offset: 11 }));
    await ask('unknown topic', commitRequest(groupId, { topic: 'absent' }));
    await ask('unknown partition', commitRequest(groupId, { partition: 99 }));
    await ask('large metadata', commitRequest(groupId, { metadata: 'x'.repeat(4_097) }));
    await ask('no topics', { groupId, topics: [] });
    await ask('negative offset', commitRequest(groupId, { partition: 1, offset: -1 }));
    await readBack(t, groupId);
  }
};

async function readBack(t: Transcript, groupId: string): Promise<void> {
  for (const version of named(t.versionsOf(offsetFetchApi))) {
    const topics = [{ name: TOPIC, partitionIndexes: [0, 1, 2] }];
    await t.ask('fetch', offsetFetchApi, version, fetchRequest(version, groupId, topics));
    await t.ask('fetch none', offsetFetchApi, version, fetchRequest(version, groupId, []));
    if (version >= 2) await t.ask('fetch all', offsetFetchApi, version, fetchRequest(version, groupId, null));
  }
}

const commitsOfMembers: Conversation = async (t, group) => {
  const { memberId, generationId } = await joined(t, group);
  for (const version of named(t.versionsOf(offsetCommitApi)).filter((candidate) => candidate > 0)) {
    const of = (fields: Parameters<typeof commitRequest>[1]) => commitRequest(group, fields);
    const member = { memberId, generationIdOrMemberEpoch: generationId };
    await t.ask('before the assignment', offsetCommitApi, version, of(member));
    await t.ask('no member', offsetCommitApi, version, of({}));
    await t.ask('old generation', offsetCommitApi, version, of({ memberId, generationIdOrMemberEpoch: 0 }));
    await t.ask('no generation', offsetCommitApi, version, of({ memberId, generationIdOrMemberEpoch: -1 }));
    const stranger = { memberId: 'x', generationIdOrMemberEpoch: generationId };
    await t.ask('stranger', offsetCommitApi, version, of(stranger));
    if (version < 7) continue;
    const instance = { ...member, groupInstanceId: 'one' };
    await t.ask('unknown instance', offsetCommitApi, version, of(instance));
  }
};

const severalGroups: Conversation = async (t, group) => {
  const commit = commitRequest(group, { offset: 77 });
  await t.ask('commit', offsetCommitApi, Math.min(t.newest(offsetCommitApi), TOPIC_NAMES_MAX), commit);
  for (const version of named(t.versionsOf(offsetFetchApi)).filter((candidate) => candidate >= 8)) {
    const topics = [{ name: TOPIC, partitionIndexes: [0] }];
    const groups = [
      { groupId: group, topics },
      { groupId: `${group}-absent`, topics },
      { groupId: `${group}-all-absent`, topics: null },
      { groupId: '', topics: null },
    ];
    await t.ask('several', offsetFetchApi, version, { groups, requireStable: true });
    await t.ask('none', offsetFetchApi, version, { groups: [] });
  }
  const version = Math.min(t.newest(offsetFetchApi), TOPIC_NAMES_MAX);
  const withEpoch = [{ groupId: group, memberId: 'x', memberEpoch: 4, topics: null }];
  await t.ask('member epoch on a classic group', offsetFetchApi, version, { groups: withEpoch });
};

const rebalance: Conversation = async (t, group) => {
  const leader = await stable(t, group);
  const newcomer = await t.connection();
  const joinVersion = t.newest(joinGroupApi);
  const first = await t.ask('told its id', joinGroupApi, joinVersion, joinRequest(group), newcomer);
  const memberId = first!.memberId;
  const { generationId } = leader;
  const heartbeat = (label: string, id: string, generation: number) =>
    t.ask(label, heartbeatApi, t.newest(heartbeatApi), {
      groupId: group,
      memberId: id,
      generationId: generation,
    });
  const sync = (label: string, id: string, generation: number, connection?: RawConnection) => {
    const version = t.newest(syncGroupApi);
    const request = syncRequest(version, group, { memberId: id, generationId: generation });
    return t.ask(label, syncGroupApi, version, request, connection);
  };
  await heartbeat('the new id before it has joined', memberId, generationId);
  await heartbeat('leader before it has joined', leader.memberId, generationId);
  const joining = newcomer.ask(joinGroupApi, joinVersion, joinRequest(group, { memberId }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await heartbeat('leader in PreparingRebalance', leader.memberId, generationId);
  await heartbeat('newcomer in PreparingRebalance', memberId, generationId);
  await sync('sync in PreparingRebalance', leader.memberId, generationId);
  const commitVersion = Math.min(t.newest(offsetCommitApi), TOPIC_NAMES_MAX);
  const commit = commitRequest(group, { memberId: leader.memberId, generationIdOrMemberEpoch: generationId });
  await t.ask('commit in PreparingRebalance', offsetCommitApi, commitVersion, commit);
  await t.ask('describe', describeGroupsApi, t.newest(describeGroupsApi), describeRequest(group));
  await t.ask(
    'rejoin',
    joinGroupApi,
    joinVersion,
    joinRequest(group, { memberId: leader.memberId }),
    leader.connection,
  );
  t.write('newcomer joined', 'JoinGroup', joinVersion, await joining);
  await heartbeat('old generation', leader.memberId, generationId);
  await heartbeat('in CompletingRebalance', memberId, generationId + 1);
  await t.ask('describe', describeGroupsApi, t.newest(describeGroupsApi), describeRequest(group));
  await sync('leader leaves all out', leader.memberId, generationId + 1, leader.connection);
  await sync('follower', memberId, generationId + 1, newcomer);
  await sync('old generation', memberId, generationId, newcomer);
  const same = joinRequest(group, { memberId });
  await t.ask('follower rejoins unchanged', joinGroupApi, joinVersion, same, newcomer);
  await t.ask('describe', describeGroupsApi, t.newest(describeGroupsApi), describeRequest(group));
};

const badSyncs: Conversation = async (t, group) => {
  const { memberId, generationId } = await stable(t, group);
  for (const version of t.versionsOf(syncGroupApi)) {
    const ask = (label: string, given: object) =>
      t.ask(label, syncGroupApi, version, syncRequest(version, group, { memberId, generationId, ...given }));
    await ask('again', {});
    await ask('wrong generation', { generationId: 99 });
    await ask('unknown member', { memberId: 'x' });
    if (version >= 3) await ask('unknown instance', { groupInstanceId: 'one' });
    if (version < 5) continue;
    await ask('wrong type', { protocolType: 'connect' });
    await ask('wrong protocol', { protocolName: 'sticky' });
    await ask('no type', { protocolType: null });
    await ask('no protocol', { protocolName: null });
  }
};

const staticMembers: Conversation = async (t, group) => {
  for (const version of t.versionsOf(joinGroupApi).filter((candidate) => candidate >= 5)) {
    const groupId = `${group}-v${version}`;
    const first = await stable(t, groupId, { groupInstanceId: 'one' });
    const back = joinRequest(groupId, { groupInstanceId: 'one' });
    const second = await t.ask('back without an id', joinGroupApi, version, back);
    const old = { memberId: first.memberId, groupInstanceId: 'one' };
    const generationId = first.generationId;
    await t.ask('old id joins', joinGroupApi, version, joinRequest(groupId, old));
    await t.ask('old id beats', heartbeatApi, t.newest(heartbeatApi), { groupId, generationId, ...old });
    const syncVersion = t.newest(syncGroupApi);
    await t.ask(
      'old id syncs',
      syncGroupApi,
      syncVersion,
      syncRequest(syncVersion, groupId, { generationId, ...old }),
    );
    const commit = commitRequest(groupId, { ...old, generationIdOrMemberEpoch: generationId });
    await t.ask(
      'old id commits',
      offsetCommitApi,
      Math.min(t.newest(offsetCommitApi), TOPIC_NAMES_MAX),
      commit,
    );
    const leaveVersion = t.newest(leaveGroupApi);
    await t.ask('old id leaves', leaveGroupApi, leaveVersion, leaveRequest(leaveVersion, groupId, old));
    const current = { memberId: second!.memberId, groupInstanceId: 'one' };
    await t.ask(
      'new id syncs',
      syncGroupApi,
      syncVersion,
      syncRequest(syncVersion, groupId, { generationId, ...current }),
    );
    await t.ask('describe', describeGroupsApi, t.newest(describeGroupsApi), describeRequest(groupId));
    const byInstance = leaveRequest(
      leaveVersion,
      groupId,
      { memberId: '', groupInstanceId: 'one' },
      { memberId: '', groupInstanceId: 'two' },
      { memberId: '', groupInstanceId: null },
      { memberId: 'x', groupInstanceId: null },
    );
    await t.ask('taken out by instance', leaveGroupApi, leaveVersion, byInstance);
    await t.ask('describe', describeGroupsApi, t.newest(describeGroupsApi), describeRequest(groupId));
  }
};

const deletions: Conversation = async (t, group) => {
  const deleteVersion = t.newest(deleteGroupsApi);
  const deleteOffsets = (label: string, groupId: string, ...names: string[]) =>
    t.ask(label, offsetDeleteApi, 0, {
      groupId,
      topics: names.map((name) => ({ name, partitions: [{ partitionIndex: 0 }, { partitionIndex: 98 }] })),
    });
  const member = await stable(t, group);
  await t.ask('not empty', deleteGroupsApi, deleteVersion, { groupsNames: [group, `${group}-absent`] });
  await deleteOffsets('subscribed', group, TOPIC, 'compared-too', 'absent');
  const leaveVersion = t.newest(leaveGroupApi);
  await t.ask('leave', leaveGroupApi, leaveVersion, leaveRequest(leaveVersion, group, member));
  const commitVersion = Math.min(t.newest(offsetCommitApi), TOPIC_NAMES_MAX);
  await t.ask('commit', offsetCommitApi, commitVersion, commitRequest(group));
  await t.ask('commit', offsetCommitApi, commitVersion, commitRequest(group, { partition: 1 }));
  await deleteOffsets('empty group', group, TOPIC);
  await readBack(t, group);
  await t.ask('empty', deleteGroupsApi, deleteVersion, { groupsNames: [group] });
  await readBack(t, group);
  await t.ask('gone', deleteGroupsApi, deleteVersion, { groupsNames: [group] });

  const connectGroup = `${group}-connect`;
  await stable(t, connectGroup, { protocolType: 'connect' });
  await deleteOffsets('of a group of another type', connectGroup, TOPIC);
  const unreadable = `${group}-unreadable`;
  await stable(t, unreadable, { protocols: [{ name: 'range', metadata: Buffer.from('??') }] });
  await deleteOffsets('unreadable subscription', unreadable, TOPIC);
};

const lists: Conversation = async (t, group) => {
  const member = await stable(t, `${group}-stable`, {
    protocols: [{ name: 'range', metadata: subscription(TOPIC) }],
  });
  const commitVersion = Math.min(t.newest(offsetCommitApi), TOPIC_NAMES_MAX);
  await t.ask('commit', offsetCommitApi, commitVersion, commitRequest(`${group}-offsets`));
  const ask = async (
    label: string,
    version: number,
    filters: { statesFilter?: string[]; typesFilter?: string[] },
  ) => {
    const response = await member.connection.ask(listGroupsApi, version, filters);
    const { errorCode, groups } = response;
    t.write(label, 'ListGroups', version, {
      errorCode,
      groups: groups.filter(({ groupId }) => groupId.startsWith(group)),
    });
  };
  for (const version of t.versionsOf(listGroupsApi)) {
    await ask('all', version, {});
    if (version >= 4) {
      await ask('stable', version, { statesFilter: ['stABLE'] });
      await ask('empty', version, { statesFilter: ['Empty', 'Dead'] });
      await ask('no such state', version, { statesFilter: ['Unheard'] });
    }
    if (version >= 5) {
      await ask('classic', version, { typesFilter: ['CLASSIC'] });
      await ask('consumer', version, { typesFilter: ['consumer'] });
      await ask('stable classic', version, { statesFilter: ['Stable'], typesFilter: ['classic'] });
    }
  }
};

const describeMany: Conversation = async (t, group) => {
  await stable(t, group, { groupInstanceId: 'one' });
  for (const version of t.versionsOf(describeGroupsApi)) {
    await t.ask('several', describeGroupsApi, version, describeRequest(group, `${group}-absent`, ''));
    if (version >= 3) {
      const request = { groups: [group, `${group}-absent`], includeAuthorizedOperations: true };
      await t.ask('with operations', describeGroupsApi, version, request);
    }
  }
};

export const conversations: Readonly<Record<string, Conversation>> = {
  'an unknown group': unknownGroup,
  'the empty group id': emptyGroupId,
  'a life in every version': lifeInEveryVersion,
  'joins that are refused': badJoins,
  'commits without a group': commits,
  'commits of members': commitsOfMembers,
  'offsets of several groups': severalGroups,
  'a rebalance': rebalance,
  'syncs that are refused': badSyncs,
  'static members': staticMembers,
  deletions,
  lists,
  describe: describeMany,
};
