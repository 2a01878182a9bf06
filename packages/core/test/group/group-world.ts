import assert from 'node:assert/strict';
import type {
  Decision,
  GroupCommand,
  GroupRequest,
  GroupRequestCommand,
  GroupResult,
  GroupResultOf,
  GroupTimer,
  GroupWrite,
  Ticket,
} from '../../src/group/group-commands.ts';
import type { GroupRecord } from '../../src/group/group-records.ts';
import { decodeGroupRecord, encodeGroupRecord } from '../../src/group/group-record-codec.ts';
import type { RecordBytes } from '../../src/group/group-record-codec.ts';
import { defaultGroupSettings } from '../../src/group/group-settings.ts';
import type { GroupSettings } from '../../src/group/group-settings.ts';
import { GroupShard } from '../../src/group/group-shard.ts';

/** Wall-clock time at which every world begins. */
export const WORLD_BEGIN_MS = 1_700_000_000_000;

/** A request and, once it has come, its answer. */
export interface Asked<Result> {
  readonly ticket: Ticket;
  readonly isAnswered: boolean;
  /** @throws AssertionError while it is parked */
  readonly result: Result;
}

const silent = (): void => {};

/**
 * One shard on a virtual clock, over a log in memory that holds records as bytes. Commits happen at once, or
 * when told to (`holdWrites`). Asserts that no request is answered twice.
 */
export class GroupWorld {
  shard: GroupShard;
  readonly settings: GroupSettings;
  /** What was committed, in order. */
  readonly log: RecordBytes[] = [];
  /** What was told to operators at level info: the message and its values. */
  readonly told: { readonly message: string; readonly values: Readonly<Record<string, unknown>> }[] = [];
  holdWrites = false;
  readonly heldWrites: GroupWrite[] = [];
  nowMs = 0;
  /** Timers set so far. */
  timersSet = 0;
  private nextTicket = 1;
  private nextUuid = 1;
  private readonly asked = new Set<Ticket>();
  private readonly answers = new Map<Ticket, GroupResult>();
  private timers = new Map<
    string,
    { readonly timer: GroupTimer; readonly dueMs: number; readonly order: number }
  >();

  constructor(settings: Partial<GroupSettings> = {}) {
    this.settings = { ...defaultGroupSettings, ...settings };
    this.shard = this.emptyShard();
    this.carryOut(this.shard.activate(this.shard.store.groupIds(), this.now()));
  }

  ask<Request extends GroupRequest>(request: Request): Asked<GroupResultOf<Request['kind']>> {
    const ticket = this.nextTicket++;
    this.asked.add(ticket);
    this.tell({ ...request, ticket } as GroupRequestCommand);
    const { answers } = this;
    return {
      ticket,
      get isAnswered() {
        return answers.has(ticket);
      },
      get result() {
        const result = answers.get(ticket);
        assert.ok(result !== undefined, `request ${ticket} (${request.kind}) is not answered`);
        assert.equal(result.kind, request.kind);
        return result as GroupResultOf<Request['kind']>;
      },
    };
  }

  tell(command: GroupCommand): void {
    this.carryOut(this.shard.handle(command, this.now()));
  }

  /** Lets time pass, firing timers in the order of their time. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.nextTimer();
      if (next === undefined || next.dueMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      this.timers.delete(nameOf(next.timer));
      this.tell({ kind: 'timer-fired', timer: next.timer });
    }
    this.nowMs = untilMs;
  }

  commitHeld(): void {
    const write = this.heldWrites.shift();
    assert.ok(write !== undefined, 'no write is held');
    this.commit(write);
  }

  failHeld(errorCode: number): void {
    const write = this.heldWrites.shift();
    assert.ok(write !== undefined, 'no write is held');
    this.tell({ kind: 'write-finished', completion: write.completion, errorCode });
  }

  /** The coordinator dies and another one loads the log; whoever waited is gone. */
  reload(): void {
    this.shard = this.shardFromLog();
    this.timers = new Map();
    this.heldWrites.length = 0;
    for (const parked of this.parked()) this.asked.delete(parked);
    this.carryOut(this.shard.activate(this.shard.store.groupIds(), this.now()));
  }

  /** What another coordinator makes of the log. */
  shardFromLog(): GroupShard {
    const shard = this.emptyShard();
    this.log.forEach((bytes, offset) => shard.apply(this.decode(bytes), offset));
    return shard;
  }

  parked(): Ticket[] {
    return [...this.asked].filter((ticket) => !this.answers.has(ticket));
  }

  pendingTimers(): GroupTimer[] {
    return Array.from(this.timers.values(), ({ timer }) => timer);
  }

  records(): GroupRecord[] {
    return this.log.map((bytes) => this.decode(bytes));
  }

  now(): { wallMs: number; monotonicMs: number } {
    return { wallMs: WORLD_BEGIN_MS + this.nowMs, monotonicMs: this.nowMs };
  }

  /** What the log says is in force, as bytes that can be compared. */
  durableState(shard: GroupShard = this.shard): unknown {
    return [...shard.store.groupIds()].sort().map((groupId) => ({
      groupId,
      metadata: shard.store.metadata(groupId),
      offsets: [...shard.store.offsets(groupId)].sort((a, b) =>
        a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
      ),
    }));
  }

  private emptyShard(): GroupShard {
    const uuidBytes = (): Buffer => {
      const bytes = Buffer.alloc(16);
      bytes.writeUInt32BE(this.nextUuid++, 12);
      return bytes;
    };
    return new GroupShard({
      settings: this.settings,
      random: { fraction: () => 0.5, uuidBytes },
      log: {
        debug: silent,
        info: (message, values = {}) => this.told.push({ message, values }),
        warn: silent,
        error: silent,
      },
    });
  }

  private carryOut({ writes, effects }: Decision): void {
    for (const effect of effects) {
      if (effect.kind === 'answer') {
        assert.ok(this.asked.has(effect.ticket), `answer to ${effect.ticket}, which nobody asked`);
        assert.ok(!this.answers.has(effect.ticket), `request ${effect.ticket} is answered twice`);
        this.answers.set(effect.ticket, effect.result);
      } else if (effect.kind === 'set-timer') {
        assert.ok(effect.delayMs >= 0, 'a timer in the past');
        const { timer } = effect;
        this.timers.set(nameOf(timer), {
          timer,
          dueMs: this.nowMs + effect.delayMs,
          order: this.timersSet++,
        });
      } else {
        this.timers.delete(nameOf(effect.timer));
      }
    }
    for (const write of writes) {
      if (this.holdWrites) this.heldWrites.push(write);
      else this.commit(write);
    }
  }

  private commit(write: GroupWrite): void {
    for (const record of write.records) {
      const bytes = encodeGroupRecord(record);
      this.shard.apply(this.decode(bytes), this.log.length);
      this.log.push(bytes);
    }
    this.tell({ kind: 'write-finished', completion: write.completion, errorCode: 0 });
  }

  private decode({ key, value }: RecordBytes): GroupRecord {
    const record = decodeGroupRecord(key, value);
    assert.ok(record !== null, 'a record of no known kind');
    return record;
  }

  private nextTimer(): { readonly timer: GroupTimer; readonly dueMs: number } | undefined {
    return [...this.timers.values()].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
  }
}

function nameOf(timer: GroupTimer): string {
  return `${timer.kind}/${timer.groupId}/${timer.memberId}`;
}
