import type { MemberProtocol, Ticket } from './group-commands.ts';

/** A member of a classic group, as this coordinator knows it. Changed only by its group and the group's commands. */
export interface GroupMember {
  memberId: string;
  /** `group.instance.id` of a static member (KIP-345), else null. */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  /** As Kafka shows it: a slash and the address. */
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** In the order of the member's preference. */
  protocols: readonly MemberProtocol[];
  assignment: Buffer;
  /** The parked JoinGroup, to be answered when the rebalance completes. */
  joinTicket: Ticket | null;
  /** The parked SyncGroup, to be answered when the assignment is committed. */
  syncTicket: Ticket | null;
  /** Has not seen the end of its first rebalance: it may expire even while its join is parked. */
  isNew: boolean;
  /** When the session ends, on the monotonic clock; null when nothing is awaited of the member. */
  sessionDeadlineMs: number | null;
  /** When the timer set for the session fires; null when none is set. It may be before the deadline, never after. */
  sessionTimerDueMs: number | null;
}

export const NO_ASSIGNMENT = Buffer.alloc(0);

export function newMember(
  identity: Pick<GroupMember, 'memberId' | 'groupInstanceId' | 'clientId' | 'clientHost'>,
  terms: Pick<GroupMember, 'rebalanceTimeoutMs' | 'sessionTimeoutMs' | 'protocols'>,
): GroupMember {
  return {
    memberId: identity.memberId,
    groupInstanceId: identity.groupInstanceId,
    clientId: identity.clientId,
    clientHost: identity.clientHost,
    rebalanceTimeoutMs: terms.rebalanceTimeoutMs,
    sessionTimeoutMs: terms.sessionTimeoutMs,
    protocols: terms.protocols,
    assignment: NO_ASSIGNMENT,
    joinTicket: null,
    syncTicket: null,
    isNew: false,
    sessionDeadlineMs: null,
    sessionTimerDueMs: null,
  };
}

/** Same protocols, same order, same bytes. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((protocol, i) => protocol.name === b[i]!.name && protocol.metadata.equals(b[i]!.metadata))
  );
}

/** What the member says under this protocol. @throws Error when it does not know the protocol */
export function metadataUnder(member: GroupMember, protocolName: string): Buffer {
  const protocol = member.protocols.find((candidate) => candidate.name === protocolName);
  if (protocol === undefined) {
    throw new Error(`member ${member.memberId} does not support the protocol ${protocolName}`);
  }
  return protocol.metadata;
}
