import type { GroupMember } from './group-member.ts';
import type { MemberProtocol } from './group-commands.ts';
import { metadataUnder } from './group-member.ts';
import type { StoredGroup } from './group-records.ts';
import { mayFollow } from './group-state.ts';
import type { GroupState } from './group-state.ts';
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from './subscribed-topics.ts';

/**
 * A classic group in memory: its members, what they can do and where the rebalance stands. Keeps its own
 * counts consistent; what happens when is up to the commands (join, sync, leave and so on).
 */
export class ClassicGroup {
  readonly groupId: string;
  generationId = 0;
  /** null until the group has had a member: a group that only keeps offsets. */
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  /** A first join is still waiting for others, until none has come for a while. */
  initialDelay: { newMemberAdded: boolean; delayMs: number; remainingMs: number } | null = null;
  /** Members that have been told their id and have not joined with it yet. */
  readonly pendingMembers = new Set<string>();
  /** Members of this generation that have not asked for their assignment yet. */
  readonly pendingSyncMembers = new Set<string>();

  private currentState: GroupState = 'Empty';
  private stateSince: number | null;
  private readonly membersById = new Map<string, GroupMember>();
  private readonly memberIdByInstance = new Map<string, string>();
  private readonly supportedCounts = new Map<string, number>();
  private topics: ReadonlySet<string> | null = null;

  constructor(groupId: string, nowWallMs: number) {
    this.groupId = groupId;
    this.stateSince = nowWallMs;
  }

  get state(): GroupState {
    return this.currentState;
  }

  /** Wall-clock time; null when the log does not tell (records of brokers before 2.1). */
  get stateSinceMs(): number | null {
    return this.stateSince;
  }

  get size(): number {
    return this.membersById.size;
  }

  get members(): IterableIterator<GroupMember> {
    return this.membersById.values();
  }

  get memberIds(): IterableIterator<string> {
    return this.membersById.keys();
  }

  /** @throws Error when the one state cannot follow the other */
  transitionTo(state: GroupState, nowWallMs: number): void {
    if (!mayFollow(this.currentState, state)) {
      throw new Error(`group ${this.groupId} cannot go from ${this.currentState} to ${state}`);
    }
    this.currentState = state;
    this.stateSince = nowWallMs;
  }

  /** Becomes what the record says: Stable with members, Empty without. */
  restore(stored: StoredGroup, members: readonly GroupMember[]): void {
    this.generationId = stored.generationId;
    this.protocolType = stored.protocolType === '' ? null : stored.protocolType;
    this.protocolName = stored.protocolName;
    for (const member of members) this.add(member, stored.protocolType);
    this.leaderId = stored.leader ?? this.leaderId;
    this.currentState = members.length === 0 ? 'Empty' : 'Stable';
    this.stateSince = stored.stateSinceMs;
    this.topics = this.computeSubscribedTopics();
  }

  has(memberId: string): boolean {
    return this.membersById.has(memberId);
  }

  member(memberId: string): GroupMember | undefined {
    return this.membersById.get(memberId);
  }

  memberIdOfInstance(groupInstanceId: string): string | undefined {
    return this.memberIdByInstance.get(groupInstanceId);
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  add(member: GroupMember, protocolType: string): void {
    if (this.membersById.size === 0) this.protocolType = protocolType;
    if (member.groupInstanceId !== null) this.memberIdByInstance.set(member.groupInstanceId, member.memberId);
    this.leaderId ??= member.memberId;
    this.membersById.set(member.memberId, member);
    this.countProtocols(member.protocols, 1);
    this.pendingMembers.delete(member.memberId);
  }

  /** Forgets the member, or the pending member, of this id. */
  remove(memberId: string): void {
    const member = this.membersById.get(memberId);
    if (member !== undefined) {
      this.membersById.delete(memberId);
      this.countProtocols(member.protocols, -1);
      if (member.groupInstanceId !== null) this.memberIdByInstance.delete(member.groupInstanceId);
    }
    if (this.leaderId === memberId) this.leaderId = this.membersById.keys().next().value ?? null;
    this.pendingMembers.delete(memberId);
    this.pendingSyncMembers.delete(memberId);
  }

  /** Gives a static member a new id; everything else about it stays. */
  renameMember(member: GroupMember, newMemberId: string): void {
    const oldMemberId = member.memberId;
    this.membersById.delete(oldMemberId);
    member.memberId = newMemberId;
    this.membersById.set(newMemberId, member);
    if (this.leaderId === oldMemberId) this.leaderId = newMemberId;
    if (member.groupInstanceId !== null) this.memberIdByInstance.set(member.groupInstanceId, newMemberId);
    if (this.pendingSyncMembers.delete(oldMemberId)) this.pendingSyncMembers.add(newMemberId);
  }

  updateMember(
    member: GroupMember,
    terms: Pick<GroupMember, 'protocols' | 'rebalanceTimeoutMs' | 'sessionTimeoutMs'>,
  ): void {
    this.countProtocols(member.protocols, -1);
    member.protocols = terms.protocols;
    this.countProtocols(member.protocols, 1);
    member.rebalanceTimeoutMs = terms.rebalanceTimeoutMs;
    member.sessionTimeoutMs = terms.sessionTimeoutMs;
  }

  /** The longest that any member wants the others to wait for it. */
  rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.members) longest = Math.max(longest, member.rebalanceTimeoutMs);
    return longest;
  }

  countAwaitingJoin(): number {
    let count = 0;
    for (const member of this.members) if (member.joinTicket !== null) count += 1;
    return count;
  }

  allMembersJoined(): boolean {
    return this.pendingMembers.size === 0 && this.countAwaitingJoin() === this.size;
  }

  canRebalance(): boolean {
    return mayFollow(this.currentState, 'PreparingRebalance');
  }

  /** Whether a joining member of this type and with these protocols could work with the others. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.currentState === 'Empty') return protocolType !== '' && protocols.length > 0;
    if (this.protocolType !== protocolType) return false;
    return protocols.some(({ name }) => (this.supportedCounts.get(name) ?? 0) === this.size);
  }

  /**
   * Each member votes for the first of its protocols that all support; the most votes win, and of equals the
   * one that was voted for first.
   *
   * @throws Error when the group has no members or they have no protocol in common
   */
  selectProtocol(): string {
    const votes = new Map<string, number>();
    for (const member of this.members) {
      const choice = member.protocols.find(({ name }) => this.supportedCounts.get(name) === this.size);
      if (choice === undefined) throw new Error(`group ${this.groupId} has no protocol in common`);
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    let winner: string | null = null;
    for (const [name, count] of votes) {
      if (winner === null || count > votes.get(winner)!) winner = name;
    }
    if (winner === null) throw new Error(`group ${this.groupId} has no members to vote`);
    return winner;
  }

  /**
   * Keeps the leader when it has rejoined, else takes another member that has.
   *
   * @returns false when there is no member that has rejoined
   */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false;
    const leader = this.membersById.get(this.leaderId);
    if (leader !== undefined && leader.joinTicket !== null) return true;
    for (const member of this.members) {
      if (member.joinTicket === null) continue;
      this.leaderId = member.memberId;
      return true;
    }
    return false;
  }

  startNextGeneration(nowWallMs: number): void {
    this.generationId += 1;
    this.protocolName = this.size === 0 ? null : this.selectProtocol();
    this.topics = this.computeSubscribedTopics();
    this.pendingSyncMembers.clear();
    this.transitionTo(this.size === 0 ? 'Empty' : 'CompletingRebalance', nowWallMs);
  }

  /**
   * Topics that the members of a consumer group subscribe to; null when that is not known (another protocol
   * type, no generation yet, metadata that is not a subscription).
   */
  subscriptions(): ReadonlySet<string> | null {
    return this.topics;
  }

  private computeSubscribedTopics(): ReadonlySet<string> | null {
    if (this.protocolType !== CONSUMER_PROTOCOL_TYPE) return null;
    const topics = new Set<string>();
    if (this.size === 0) return topics;
    if (this.protocolName === null) return null;
    for (const member of this.members) {
      const subscription = subscribedTopics(metadataUnder(member, this.protocolName));
      if (subscription === null) return null;
      for (const topic of subscription) topics.add(topic);
    }
    return topics;
  }

  private countProtocols(protocols: readonly MemberProtocol[], by: 1 | -1): void {
    for (const { name } of protocols) {
      const count = (this.supportedCounts.get(name) ?? 0) + by;
      if (count === 0) this.supportedCounts.delete(name);
      else this.supportedCounts.set(name, count);
    }
  }
}
