import type { GroupRecord } from './group-records.ts';
import type { GroupState } from './group-state.ts';

/** Names a request that awaits its answer. The coordinator answers each ticket exactly once. */
export type Ticket = number;

/** The two times of one instant, as the ports' clock gives them. */
export interface Now {
  /** For timestamps in records. */
  readonly wallMs: number;
  /** For deadlines. */
  readonly monotonicMs: number;
}

/** One way of assigning that a member knows, with what it tells the leader in that way. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface JoinGroupCommand {
  readonly kind: 'join-group';
  readonly ticket: Ticket;
  readonly groupId: string;
  /** Empty when the member has none yet. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  /** JoinGroup v4+: a dynamic member is told its id first and joins with it (KIP-394). */
  readonly requiresKnownMemberId: boolean;
  /** JoinGroup v9+: a returning static leader may be told to skip the assignment (KIP-814). */
  readonly canSkipAssignment: boolean;
  /** Why the client joins, for the log (v8+, KIP-800). */
  readonly reason: string | null;
}

export interface SyncGroupCommand {
  readonly kind: 'sync-group';
  readonly ticket: Ticket;
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** Checked when told (v5+, KIP-559). */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** By member id; from the leader only, ignored from others. */
  readonly assignments: ReadonlyMap<string, Buffer>;
}

export interface HeartbeatCommand {
  readonly kind: 'heartbeat';
  readonly ticket: Ticket;
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface LeaveGroupCommand {
  readonly kind: 'leave-group';
  readonly ticket: Ticket;
  readonly groupId: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    /** Why it leaves, for the log (v5+, KIP-800). */
    readonly reason: string | null;
  }[];
}

export interface OffsetCommitCommand {
  readonly kind: 'offset-commit';
  readonly ticket: Ticket;
  readonly groupId: string;
  /** -1 outside of group management. */
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** v2 to v4: how long the offsets are kept; -1 for the broker's setting. */
  readonly retentionTimeMs: number;
  /** v9+: an unknown group is named by GROUP_ID_NOT_FOUND, before by ILLEGAL_GENERATION. */
  readonly namesUnknownGroup: boolean;
  readonly offsets: readonly OffsetToCommit[];
}

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** -1 when unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string | null;
  /** v1 only: when the client says it committed; -1 for now. */
  readonly commitTimestampMs: number;
}

export interface OffsetFetchCommand {
  readonly kind: 'offset-fetch';
  readonly ticket: Ticket;
  readonly groupId: string;
  /** null: all that is stored. */
  readonly partitions: readonly TopicPartition[] | null;
  /** Offsets that a running transaction or append may still change are not told (KIP-447). */
  readonly requireStable: boolean;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface OffsetDeleteCommand {
  readonly kind: 'offset-delete';
  readonly ticket: Ticket;
  readonly groupId: string;
  readonly partitions: readonly TopicPartition[];
}

export interface DescribeGroupCommand {
  readonly kind: 'describe-group';
  readonly ticket: Ticket;
  readonly groupId: string;
}

export interface ListGroupsCommand {
  readonly kind: 'list-groups';
  readonly ticket: Ticket;
}

export interface DeleteGroupCommand {
  readonly kind: 'delete-group';
  readonly ticket: Ticket;
  readonly groupId: string;
}

/** Somebody other than a member wants the members called together anew. No API of Kafka's asks for it. */
export interface RebalanceGroupCommand {
  readonly kind: 'rebalance-group';
  readonly ticket: Ticket;
  readonly groupId: string;
  /** For the log. */
  readonly reason: string;
}

/** Topics are gone for good: what any group committed for them goes too. */
export interface TopicsDeletedCommand {
  readonly kind: 'topics-deleted';
  readonly topics: readonly string[];
}

/** Time to look through these groups for what is out of date; some at a time, so that it never takes long. */
export interface ExpireOffsetsCommand {
  readonly kind: 'expire-offsets';
  readonly groupIds: readonly string[];
}

/** A timer that a `set-timer` effect asked for has fired. */
export interface TimerFiredCommand {
  readonly kind: 'timer-fired';
  readonly timer: GroupTimer;
}

/** The records of a `Write` are committed (code 0) or certain never to be. */
export interface WriteFinishedCommand {
  readonly kind: 'write-finished';
  readonly completion: WriteCompletion;
  /** Kafka's error of the append, 0 for none. */
  readonly errorCode: number;
}

export type GroupRequestCommand =
  | JoinGroupCommand
  | SyncGroupCommand
  | HeartbeatCommand
  | LeaveGroupCommand
  | OffsetCommitCommand
  | OffsetFetchCommand
  | OffsetDeleteCommand
  | DescribeGroupCommand
  | ListGroupsCommand
  | DeleteGroupCommand
  | RebalanceGroupCommand;

type WithoutTicket<Command> = Command extends unknown ? Omit<Command, 'ticket'> : never;

/** A request before it has its ticket. */
export type GroupRequest = WithoutTicket<GroupRequestCommand>;

export type GroupCommand =
  | GroupRequestCommand
  | TopicsDeletedCommand
  | ExpireOffsetsCommand
  | TimerFiredCommand
  | WriteFinishedCommand;

/** `session`: of one member or pending member; `join` and `sync`: of the group. One of each at a time. */
export interface GroupTimer {
  readonly kind: 'session' | 'join' | 'sync';
  readonly groupId: string;
  /** Empty for the timers of the group. */
  readonly memberId: string;
}

export interface JoinGroupResult {
  readonly kind: 'join-group';
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** For the leader; empty for others. */
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Buffer;
  }[];
}

export interface SyncGroupResult {
  readonly kind: 'sync-group';
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export interface HeartbeatResult {
  readonly kind: 'heartbeat';
  readonly errorCode: number;
}

export interface LeaveGroupResult {
  readonly kind: 'leave-group';
  readonly errorCode: number;
  /** In the order of the request. */
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly errorCode: number;
  }[];
}

export interface OffsetCommitResult {
  readonly kind: 'offset-commit';
  /** In the order of the request. */
  readonly errorCodes: readonly number[];
}

export interface OffsetFetchResult {
  readonly kind: 'offset-fetch';
  readonly errorCode: number;
  readonly offsets: readonly FetchedOffset[];
}

export interface FetchedOffset extends TopicPartition {
  /** -1 when there is none. */
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: number;
}

export interface OffsetDeleteResult {
  readonly kind: 'offset-delete';
  readonly errorCode: number;
  /** In the order of the request; empty when the whole failed. */
  readonly errorCodes: readonly number[];
}

export interface DescribeGroupResult {
  readonly kind: 'describe-group';
  readonly errorCode: number;
  /** Empty when the group could not be looked up; `Dead` when it does not exist. */
  readonly state: GroupState | '';
  readonly protocolType: string;
  readonly protocolName: string;
  readonly members: readonly DescribedMember[];
}

export interface DescribedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly metadata: Buffer;
  readonly assignment: Buffer;
}

export interface ListGroupsResult {
  readonly kind: 'list-groups';
  readonly errorCode: number;
  readonly groups: readonly ListedGroup[];
}

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: GroupState;
}

export interface DeleteGroupResult {
  readonly kind: 'delete-group';
  readonly errorCode: number;
}

export interface RebalanceGroupResult {
  readonly kind: 'rebalance-group';
  /** GROUP_ID_NOT_FOUND for a group that does not exist; none also where a rebalance runs already, or nobody is in it. */
  readonly errorCode: number;
}

export type GroupResult =
  | JoinGroupResult
  | SyncGroupResult
  | HeartbeatResult
  | LeaveGroupResult
  | OffsetCommitResult
  | OffsetFetchResult
  | OffsetDeleteResult
  | DescribeGroupResult
  | ListGroupsResult
  | DeleteGroupResult
  | RebalanceGroupResult;

/** The answer to a request of that kind. */
export type GroupResultOf<Kind extends GroupResult['kind']> = Extract<GroupResult, { kind: Kind }>;

/** What the world outside must do at once. */
export type GroupEffect =
  | { readonly kind: 'answer'; readonly ticket: Ticket; readonly result: GroupResult }
  /** Replaces a timer of the same name that has not fired. */
  | { readonly kind: 'set-timer'; readonly timer: GroupTimer; readonly delayMs: number }
  | { readonly kind: 'cancel-timer'; readonly timer: GroupTimer };

/** Records to append in one piece; `completion` comes back in a `write-finished` command, in the order of the log. */
export interface GroupWrite {
  readonly records: readonly GroupRecord[];
  readonly completion: WriteCompletion;
  /** May be cut into several batches: nothing is lost when only the first of them survive. */
  readonly divisible: boolean;
}

export type WriteCompletion =
  | {
      readonly kind: 'assignment-stored';
      readonly groupId: string;
      readonly generationId: number;
      readonly assignments: ReadonlyMap<string, Buffer>;
    }
  | { readonly kind: 'empty-generation-stored'; readonly groupId: string; readonly generationId: number }
  | {
      readonly kind: 'static-member-stored';
      readonly groupId: string;
      readonly generationId: number;
      readonly memberId: string;
      readonly canSkipAssignment: boolean;
      readonly former: FormerSelf;
    }
  | {
      readonly kind: 'offsets-stored';
      readonly groupId: string;
      readonly ticket: Ticket;
      /** In the order of the request; 0 stands for what was written. */
      readonly errorCodes: readonly number[];
      readonly written: readonly TopicPartition[];
    }
  | {
      readonly kind: 'offsets-deleted';
      readonly groupId: string;
      /** Who asked for it; null for the broker itself. */
      readonly request: { readonly ticket: Ticket; readonly errorCodes: readonly number[] } | null;
      /** The group goes with its offsets. */
      readonly deletesGroup: boolean;
    }
  | { readonly kind: 'group-deleted'; readonly groupId: string; readonly ticket: Ticket };

/** What a static member was before another took its place. */
export interface FormerSelf {
  readonly memberId: string;
  /** Leader of the group at that time. */
  readonly leader: string;
  readonly protocols: readonly MemberProtocol[];
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
}

export interface Decision {
  readonly writes: readonly GroupWrite[];
  readonly effects: readonly GroupEffect[];
}
