import type { LogSink } from '../ports/log-sink.ts';
import type { Random } from '../ports/random.ts';
import { ClassicGroup } from './classic-group.ts';
import type {
  Decision,
  GroupEffect,
  GroupResult,
  GroupTimer,
  GroupWrite,
  Now,
  Ticket,
} from './group-commands.ts';
import type { GroupSettings } from './group-settings.ts';
import type { GroupStore } from './group-store.ts';
import type { PendingOffsetWrites } from './pending-offset-writes.ts';

/** All that the coordinator of one partition knows: what is durable, and the groups that live on top of it. */
export interface ShardState {
  readonly settings: GroupSettings;
  readonly random: Random;
  readonly log: LogSink;
  readonly store: GroupStore;
  readonly groups: Map<string, ClassicGroup>;
  readonly pendingOffsetWrites: PendingOffsetWrites;
}

/** One command being decided: the instant, the state, and what comes of it. */
export class Turn {
  readonly state: ShardState;
  readonly now: Now;
  private readonly writes: GroupWrite[] = [];
  private readonly effects: GroupEffect[] = [];

  constructor(state: ShardState, now: Now) {
    this.state = state;
    this.now = now;
  }

  group(groupId: string): ClassicGroup | undefined {
    return this.state.groups.get(groupId);
  }

  createGroup(groupId: string): ClassicGroup {
    const group = new ClassicGroup(groupId, this.now.wallMs);
    this.state.groups.set(groupId, group);
    return group;
  }

  answer(ticket: Ticket, result: GroupResult): void {
    this.effects.push({ kind: 'answer', ticket, result });
  }

  setTimer(timer: GroupTimer, delayMs: number): void {
    this.effects.push({ kind: 'set-timer', timer, delayMs });
  }

  cancelTimer(timer: GroupTimer): void {
    this.effects.push({ kind: 'cancel-timer', timer });
  }

  write(write: GroupWrite): void {
    this.writes.push(write);
  }

  decision(): Decision {
    return { writes: this.writes, effects: this.effects };
  }
}
