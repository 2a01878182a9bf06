import { deleteGroupsApi } from '@odradek/protocol/generated/apis/delete-groups.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetDeleteApi } from '@odradek/protocol/generated/apis/offset-delete.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import { RawConnection } from '../wire/raw-connection.ts';
import { TOPIC, commitRequest, joinRequest, leaveRequest, syncRequest } from './requests.ts';

/** Longer than any restart takes: the members must still be there afterwards. */
const SESSION_MS = 600_000;

/** Makes one group of each kind that leaves something in the log. */
export async function keepGroups({ host, port }: { host: string; port: number }): Promise<void> {
  const connection = await RawConnection.open(host, port);
  for (const [groupId, groupInstanceId] of [
    ['dynamic', null],
    ['static', 'instance'],
    ['left', null],
  ] as const) {
    const memberId = await makeStable(connection, groupId, groupInstanceId);
    await connection.ask(
      offsetCommitApi,
      8,
      commitRequest(groupId, { memberId, generationIdOrMemberEpoch: 1, groupInstanceId }),
    );
    if (groupId === 'left') await connection.ask(leaveGroupApi, 4, leaveRequest(4, groupId, { memberId }));
  }
  await connection.ask(offsetCommitApi, 8, commitRequest('offsets', { offset: 1, metadata: 'first' }));
  await connection.ask(offsetCommitApi, 8, commitRequest('offsets', { offset: 2, metadata: 'größer' }));
  await connection.ask(offsetCommitApi, 8, commitRequest('offsets', { partition: 1, offset: 2 ** 40 }));
  await connection.ask(offsetCommitApi, 3, commitRequest('retained', { retentionTimeMs: 3_600_000 }));
  await connection.ask(offsetCommitApi, 8, commitRequest('offsets', { partition: 2, offset: 3 }));
  const partitions = [{ partitionIndex: 2 }];
  await connection.ask(offsetDeleteApi, 0, { groupId: 'offsets', topics: [{ name: TOPIC, partitions }] });
  await connection.ask(offsetCommitApi, 8, commitRequest('deleted'));
  await connection.ask(deleteGroupsApi, 2, { groupsNames: ['deleted'] });
  connection.close();
}

async function makeStable(
  connection: RawConnection,
  groupId: string,
  groupInstanceId: string | null,
): Promise<string> {
  const request = joinRequest(groupId, { sessionTimeoutMs: SESSION_MS, groupInstanceId });
  let joined = await connection.ask(joinGroupApi, 9, request);
  if (joined.errorCode !== 0) {
    joined = await connection.ask(joinGroupApi, 9, { ...request, memberId: joined.memberId });
  }
  const { memberId, generationId } = joined;
  const assignments = [{ memberId, assignment: Buffer.from(`of ${groupId}`) }];
  await connection.ask(
    syncGroupApi,
    5,
    syncRequest(5, groupId, { memberId, generationId, groupInstanceId, assignments }),
  );
  return memberId;
}
