import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import * as fc from 'fast-check';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { HeartbeatResult, JoinGroupResult, SyncGroupResult } from '../../src/group/group-commands.ts';
import { GroupWorld } from './group-world.ts';
import type { Asked } from './group-world.ts';
import { commit, fetchAll, heartbeat, join, leave, protocols, sync } from './requests.ts';

/**
 * A consumer as real ones behave: joins until it is in, takes its assignment, heartbeats, and does what errors
 * tell it. It owns partitions only of the generation that it last took an assignment of.
 */
class Consumer {
  readonly groupInstanceId: string | null;
  memberId = '';
  generationId = -1;
  owned: string[] = [];
  private readonly world: GroupWorld;
  private readonly partitions: readonly string[];
  private joining: Asked<JoinGroupResult> | null = null;
  private syncing: Asked<SyncGroupResult> | null = null;
  private joined = false;

  constructor(world: GroupWorld, partitions: readonly string[], groupInstanceId: string | null) {
    this.world = world;
    this.partitions = partitions;
    this.groupInstanceId = groupInstanceId;
  }

  /** Does the next thing, as far as its last request has been answered. */
  step(): void {
    if (this.joining !== null) return this.readJoin();
    if (this.syncing !== null) return this.readSync();
    if (this.joined)
      this.readHeartbeat(heartbeat(this.world, this.memberId, this.generationId, this.groupInstanceId));
    else this.startJoin();
  }

  rejoin(): void {
    if (this.joined && this.syncing === null) this.startJoin();
  }

  leave(): void {
    if (this.memberId === '') return;
    leave(this.world, { memberId: this.memberId, groupInstanceId: this.groupInstanceId });
    this.restart();
  }

  /** The process dies and comes again, without its member id. */
  restart(): void {
    this.memberId = '';
    this.joining = null;
    this.syncing = null;
    this.forget();
  }

  private startJoin(): void {
    this.forget();
    this.joining = join(this.world, {
      memberId: this.memberId,
      groupInstanceId: this.groupInstanceId,
      requiresKnownMemberId: this.groupInstanceId === null,
      protocols: protocols('range'),
    });
  }

  private readJoin(): void {
    if (!this.joining!.isAnswered) return;
    const result = this.joining!.result;
    this.joining = null;
    this.memberId = result.errorCode === ErrorCode.UNKNOWN_MEMBER_ID ? '' : result.memberId;
    if (result.errorCode === ErrorCode.FENCED_INSTANCE_ID) this.memberId = '';
    if (result.errorCode !== ErrorCode.NONE) return;
    this.generationId = result.generationId;
    this.syncing = sync(this.world, {
      memberId: this.memberId,
      generationId: this.generationId,
      groupInstanceId: this.groupInstanceId,
      assignments: result.leader === result.memberId ? this.assign(result) : new Map(),
    });
  }

  private assign({ members, skipAssignment }: JoinGroupResult): Map<string, Buffer> {
    const shares = new Map(members.map(({ memberId }) => [memberId, [] as string[]]));
    const ids = [...shares.keys()];
    if (!skipAssignment)
      this.partitions.forEach((partition, i) => shares.get(ids[i % ids.length]!)!.push(partition));
    return new Map([...shares].map(([id, share]) => [id, Buffer.from(share.join(' '))]));
  }

  private readSync(): void {
    if (!this.syncing!.isAnswered) return;
    const { errorCode, assignment } = this.syncing!.result;
    this.syncing = null;
    if (errorCode === ErrorCode.NONE) {
      this.joined = true;
      this.owned = assignment.toString().split(' ').filter(Boolean);
    } else {
      this.readError(errorCode);
    }
  }

  private readHeartbeat({ errorCode }: HeartbeatResult): void {
    if (errorCode !== ErrorCode.NONE) this.readError(errorCode);
  }

  private readError(errorCode: number): void {
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.FENCED_INSTANCE_ID)
      this.memberId = '';
    this.joined = false;
  }

  private forget(): void {
    this.owned = [];
    this.joined = false;
    this.generationId = -1;
  }
}

type Event =
  | { readonly kind: 'step' | 'rejoin' | 'leave' | 'restart'; readonly who: number }
  | { readonly kind: 'commit'; readonly who: number; readonly offset: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'write'; readonly ok: boolean }
  /** Everybody does its next thing. */
  | { readonly kind: 'round' }
  | { readonly kind: 'reload' };

const CONSUMERS = 4;
const PARTITIONS = ['p0', 'p1', 'p2', 'p3', 'p4'];

const who = fc.nat(CONSUMERS - 1);
const events: fc.Arbitrary<Event> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('step' as const), who }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('rejoin' as const, 'leave' as const, 'restart' as const),
      who,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const), who, offset: fc.nat(1000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.constantFrom(0, 1, 500, 3_000, 3_000, 9_999, 61_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), ok: fc.boolean() }) },
  { weight: 6, arbitrary: fc.constant({ kind: 'round' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reload' as const }) },
);

class Scenario {
  readonly world = new GroupWorld();
  readonly consumers: Consumer[];
  private generation = 0;

  constructor() {
    this.consumers = Array.from(
      { length: CONSUMERS },
      (_, i) => new Consumer(this.world, PARTITIONS, i === 0 ? 'instance' : null),
    );
    this.world.holdWrites = true;
  }

  run(event: Event): void {
    switch (event.kind) {
      case 'time':
        this.world.advance(event.ms);
        break;
      case 'round':
        for (const consumer of this.consumers) consumer.step();
        break;
      case 'write':
        this.finishWrite(event.ok);
        break;
      case 'reload':
        this.world.reload();
        for (const consumer of this.consumers) consumer.restart();
        this.generation = 0;
        break;
      case 'commit':
        this.commit(this.consumers[event.who]!, event.offset);
        break;
      default:
        this.consumers[event.who]![event.kind]();
    }
    this.check();
  }

  /** Everybody behaves and all appends succeed: the group must come to rest with everything assigned. */
  settle(): void {
    this.world.holdWrites = false;
    while (this.world.heldWrites.length > 0) this.world.commitHeld();
    for (let round = 0; round < 40; round++) {
      for (const consumer of this.consumers) consumer.step();
      this.world.advance(2_000);
      this.check();
    }
    const owned = this.consumers.flatMap((consumer) => consumer.owned).sort();
    assert.deepEqual(owned, PARTITIONS, 'all is assigned once everybody has joined');
    assert.deepEqual(this.world.parked(), [], 'nobody is forgotten');
  }

  private finishWrite(ok: boolean): void {
    if (this.world.heldWrites.length === 0) return;
    if (ok) this.world.commitHeld();
    else this.world.failHeld(ErrorCode.NOT_ENOUGH_REPLICAS);
  }

  private commit({ memberId, generationId, groupInstanceId }: Consumer, offset: number): void {
    if (generationId < 0) return;
    commit(this.world, { memberId, generationId, groupInstanceId, offset });
  }

  private check(): void {
    this.checkOwnership();
    this.checkGeneration();
    this.checkReload();
  }

  /** Two members of one generation never own the same partition. */
  private checkOwnership(): void {
    const owners = new Set<string>();
    for (const { generationId, owned } of this.consumers) {
      for (const partition of owned) {
        const claim = `${partition} in generation ${generationId}`;
        assert.ok(!owners.has(claim), `${claim} has two owners`);
        owners.add(claim);
      }
    }
  }

  private checkGeneration(): void {
    const group = this.world.shard.group('the-group');
    if (group === undefined) return;
    assert.ok(group.generationId >= this.generation, 'the generation never falls');
    this.generation = group.generationId;
  }

  private checkReload(): void {
    const durable = this.world.durableState();
    assert.deepEqual(
      durable,
      this.world.durableState(this.world.shardFromLog()),
      'the log says what is in force',
    );
  }
}

suite('a group under all that may happen', () => {
  test('one owner per partition and generation; the log tells the state; all come to rest', () => {
    fc.assert(
      fc.property(fc.array(events, { minLength: 20, maxLength: 120 }), (sequence) => {
        const scenario = new Scenario();
        for (const event of sequence) scenario.run(event);
        scenario.settle();
      }),
      { numRuns: 150 },
    );
  });

  test('the generation rises by one for each completed rebalance', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
    const first = join(world);
    world.advance(0);
    let { memberId, generationId } = first.result;
    for (let expected = 1; expected < 20; expected++) {
      assert.equal(generationId, expected);
      sync(world, { memberId, generationId });
      ({ memberId, generationId } = join(world, { memberId }).result);
    }
  });

  test('offsets that were acknowledged are read back after any crash', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ partition: fc.nat(3), offset: fc.nat(100), ok: fc.boolean(), crash: fc.boolean() }),
        ),
        (steps) => {
          const world = new GroupWorld();
          const acknowledged = new Map<string, number>();
          for (const { partition, offset, ok, crash } of steps) {
            world.holdWrites = true;
            const asked = commit(world, { partition, offset });
            if (ok) world.commitHeld();
            else world.failHeld(ErrorCode.NOT_ENOUGH_REPLICAS);
            if (asked.result.errorCodes[0] === 0) acknowledged.set(`topic-${partition}`, offset);
            if (crash) world.reload();
            assert.deepEqual(new Map(Object.entries(fetchAll(world))), acknowledged);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
