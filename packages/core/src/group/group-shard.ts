import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Random } from '../ports/random.ts';
import { ClassicGroup } from './classic-group.ts';
import { deleteGroup, onGroupDeleted } from './group-deletion.ts';
import type {
  Decision,
  GroupCommand,
  Now,
  TimerFiredCommand,
  WriteFinishedCommand,
} from './group-commands.ts';
import type { GroupRecord } from './group-records.ts';
import type { GroupSettings } from './group-settings.ts';
import { GroupStore } from './group-store.ts';
import { describeGroup, listGroups } from './describe-group.ts';
import { heartbeat } from './heartbeat.ts';
import { joinGroup } from './join-group.ts';
import { leaveGroup } from './leave-group.ts';
import { onSessionTimer } from './member-removal.ts';
import { commitOffsets, onOffsetsStored } from './offset-commit.ts';
import { fetchOffsets } from './offset-fetch.ts';
import {
  deleteOffsets,
  expireOffsets,
  onOffsetsDeleted,
  removeOffsetsOfDeletedTopics,
} from './offset-removal.ts';
import { answerJoin, answerSync, joinError, syncError } from './parked-requests.ts';
import { PendingOffsetWrites } from './pending-offset-writes.ts';
import { onJoinTimer, onSyncTimer, prepareRebalance, rebalanceGroup } from './rebalance.ts';
import { extendSession } from './session.ts';
import { Turn } from './shard-turn.ts';
import type { ShardState } from './shard-turn.ts';
import { onStaticMemberStored } from './static-member.ts';
import { restoredMembers } from './stored-group.ts';
import { onAssignmentStored, syncGroup } from './sync-group.ts';

export interface GroupShardParts {
  readonly settings: GroupSettings;
  readonly random: Random;
  readonly log: LogSink;
}

/**
 * The coordinator of the classic groups of one partition of `__consumer_offsets`.
 *
 * `handle` decides: it names records to append and things to do. The caller appends, and once the records are
 * committed calls `apply` for each and then `handle` with `write-finished`; when they can never be committed it
 * only does the latter, with the error. What is durable changes in `apply` alone, so after a crash the state is
 * what the committed records say; members that were in the middle of a rebalance come again.
 *
 * Loading is `apply` (or `applyInTransaction`, `endTransaction`) for each record of the log, then `activate` for
 * all groups of the store, in as many calls as one likes.
 */
export class GroupShard {
  readonly store = new GroupStore();
  private readonly state: ShardState;

  constructor({ settings, random, log }: GroupShardParts) {
    this.state = {
      settings,
      random,
      log,
      store: this.store,
      groups: new Map(),
      pendingOffsetWrites: new PendingOffsetWrites(),
    };
  }

  handle(command: GroupCommand, now: Now): Decision {
    const turn = new Turn(this.state, now);
    decide(turn, command);
    return turn.decision();
  }

  /** A record of the log is committed. @param logOffset base offset of its batch */
  apply(record: GroupRecord, logOffset: number): void {
    this.store.apply(record, logOffset);
  }

  applyInTransaction(record: GroupRecord, logOffset: number, producerId: number): void {
    this.store.apply(record, logOffset, producerId);
  }

  endTransaction(producerId: number, committed: boolean): void {
    this.store.endTransaction(producerId, committed);
  }

  /** The log has been read: these groups come to life, and their members have one session to be heard of. */
  activate(groupIds: Iterable<string>, now: Now): Decision {
    const turn = new Turn(this.state, now);
    for (const groupId of groupIds) this.restoreGroup(turn, groupId);
    return turn.decision();
  }

  /** The partition has another leader: who waits must look for it. No command but `write-finished` may follow. */
  unload(now: Now): Decision {
    const turn = new Turn(this.state, now);
    for (const group of this.state.groups.values()) {
      for (const member of group.members) {
        answerJoin(turn, member, joinError(member.memberId, ErrorCode.NOT_COORDINATOR));
        answerSync(turn, member, syncError(ErrorCode.NOT_COORDINATOR));
      }
      group.transitionTo('Dead', now.wallMs);
    }
    return turn.decision();
  }

  groupIds(): string[] {
    return [...this.state.groups.keys()];
  }

  /** For inspection; only the shard changes a group. */
  group(groupId: string): ClassicGroup | undefined {
    return this.state.groups.get(groupId);
  }

  private restoreGroup(turn: Turn, groupId: string): void {
    const group = turn.createGroup(groupId);
    const stored = this.store.metadata(groupId);
    if (stored === null) return;
    group.restore(stored, restoredMembers(stored));
    for (const member of group.members) extendSession(turn, group, member, member.sessionTimeoutMs);
    if (group.size > this.state.settings.sizeMax)
      prepareRebalance(turn, group, 'it has more members than it may');
  }
}

function decide(turn: Turn, command: GroupCommand): void {
  switch (command.kind) {
    case 'join-group':
      return joinGroup(turn, command);
    case 'sync-group':
      return syncGroup(turn, command);
    case 'heartbeat':
      return heartbeat(turn, command);
    case 'leave-group':
      return leaveGroup(turn, command);
    case 'offset-commit':
      return commitOffsets(turn, command);
    case 'offset-fetch':
      return fetchOffsets(turn, command);
    case 'offset-delete':
      return deleteOffsets(turn, command);
    case 'describe-group':
      return describeGroup(turn, command);
    case 'list-groups':
      return listGroups(turn, command);
    case 'delete-group':
      return deleteGroup(turn, command);
    case 'rebalance-group':
      return rebalanceGroup(turn, command);
    case 'topics-deleted':
      return removeOffsetsOfDeletedTopics(turn, command);
    case 'expire-offsets':
      return expireOffsets(turn, command);
    case 'timer-fired':
      return onTimer(turn, command);
    case 'write-finished':
      return onWriteFinished(turn, command);
  }
}

function onTimer(turn: Turn, { timer }: TimerFiredCommand): void {
  const group = turn.group(timer.groupId);
  if (group === undefined || group.state === 'Dead') return;
  switch (timer.kind) {
    case 'session':
      return onSessionTimer(turn, group, timer.memberId);
    case 'join':
      return onJoinTimer(turn, group);
    case 'sync':
      return onSyncTimer(turn, group);
  }
}

function onWriteFinished(turn: Turn, { completion, errorCode }: WriteFinishedCommand): void {
  if (completion.kind === 'offsets-stored') return onOffsetsStored(turn, completion, errorCode);
  if (completion.kind === 'offsets-deleted') return onOffsetsDeleted(turn, completion, errorCode);
  const group = turn.group(completion.groupId);
  if (group === undefined) return;
  switch (completion.kind) {
    case 'assignment-stored':
      return onAssignmentStored(turn, group, completion, errorCode);
    case 'static-member-stored':
      return onStaticMemberStored(turn, group, completion, errorCode);
    case 'group-deleted':
      return onGroupDeleted(turn, group, completion, errorCode);
    case 'empty-generation-stored':
      return onEmptyGenerationStored(turn, group, errorCode);
  }
}

/** Without that record the generation before comes back at the next loading, and its sessions time out. */
function onEmptyGenerationStored(turn: Turn, group: ClassicGroup, errorCode: number): void {
  if (errorCode === ErrorCode.NONE) return;
  turn.state.log.warn('could not store that a group is empty', { groupId: group.groupId, errorCode });
}
