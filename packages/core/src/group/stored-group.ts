import type { ClassicGroup } from './classic-group.ts';
import { metadataUnder, newMember } from './group-member.ts';
import type { GroupMember } from './group-member.ts';
import type { StoredGroup } from './group-records.ts';

/**
 * The group as its record tells it.
 *
 * @param assignments by member id; without them each member keeps what it has
 */
export function storedGroup(group: ClassicGroup, assignments?: ReadonlyMap<string, Buffer>): StoredGroup {
  const protocolName = group.protocolName;
  return {
    protocolType: group.protocolType ?? '',
    generationId: group.generationId,
    protocolName,
    leader: group.leaderId,
    stateSinceMs: group.stateSinceMs,
    members: Array.from(group.members, (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: member.sessionTimeoutMs,
      subscription: metadataUnder(member, protocolName ?? ''),
      assignment: assignments?.get(member.memberId) ?? member.assignment,
    })),
  };
}

/** The members that a record tells of. What they said under other protocols is lost until they join again. */
export function restoredMembers(stored: StoredGroup): GroupMember[] {
  return stored.members.map((member) => {
    const restored = newMember(member, {
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: member.sessionTimeoutMs,
      protocols: [{ name: stored.protocolName ?? '', metadata: member.subscription }],
    });
    restored.assignment = member.assignment;
    return restored;
  });
}
