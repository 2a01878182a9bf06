import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type {
  DescribeGroupCommand,
  DescribeGroupResult,
  DescribedMember,
  ListGroupsCommand,
} from './group-commands.ts';
import { NO_ASSIGNMENT, metadataUnder } from './group-member.ts';
import type { GroupMember } from './group-member.ts';
import type { Turn } from './shard-turn.ts';

const NO_METADATA = NO_ASSIGNMENT;

/** DescribeGroups, for one group; one that is not there is `Dead`. */
export function describeGroup(turn: Turn, command: DescribeGroupCommand): void {
  const group = turn.group(command.groupId);
  turn.answer(command.ticket, group === undefined ? describedAs('Dead') : describe(group));
}

/** ListGroups, for the groups of one partition; filters are the caller's. */
export function listGroups(turn: Turn, command: ListGroupsCommand): void {
  const groups = Array.from(turn.state.groups.values(), ({ groupId, protocolType, state }) => ({
    groupId,
    protocolType: protocolType ?? '',
    state,
  }));
  turn.answer(command.ticket, { kind: 'list-groups', errorCode: ErrorCode.NONE, groups });
}

export function describedAs(
  state: DescribeGroupResult['state'],
  errorCode: number = ErrorCode.NONE,
): DescribeGroupResult {
  return { kind: 'describe-group', errorCode, state, protocolType: '', protocolName: '', members: [] };
}

/** Protocol, metadata and assignments mean something in a stable group only. */
function describe(group: ClassicGroup): DescribeGroupResult {
  const protocolName = group.state === 'Stable' ? group.protocolName : null;
  return {
    kind: 'describe-group',
    errorCode: ErrorCode.NONE,
    state: group.state,
    protocolType: group.protocolType ?? '',
    protocolName: protocolName ?? '',
    members: Array.from(group.members, (member) => describeMember(member, protocolName)),
  };
}

function describeMember(member: GroupMember, protocolName: string | null): DescribedMember {
  return {
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    metadata: protocolName === null ? NO_METADATA : metadataUnder(member, protocolName),
    assignment: protocolName === null ? NO_ASSIGNMENT : member.assignment,
  };
}
