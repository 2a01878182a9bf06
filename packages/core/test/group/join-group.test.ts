import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { GroupWorld } from './group-world.ts';
import {
  GROUP,
  describe,
  heartbeat,
  join,
  leave,
  protocols,
  stableGroup,
  subscription,
  sync,
  syncAll,
} from './requests.ts';

suite('joining', () => {
  test('a member alone founds the group and becomes its leader after the initial delay', () => {
    const world = new GroupWorld();
    const asked = join(world);
    world.advance(2_999);
    assert.equal(asked.isAnswered, false);
    world.advance(1);
    const { errorCode, generationId, protocolType, protocolName, leader, memberId, members } = asked.result;
    assert.deepEqual(
      { errorCode, generationId, protocolType, protocolName, leader },
      { errorCode: 0, generationId: 1, protocolType: 'consumer', protocolName: 'range', leader: memberId },
    );
    assert.deepEqual(members, [{ memberId, groupInstanceId: null, metadata: subscription('topic') }]);
    const synced = sync(world, {
      memberId,
      generationId,
      assignments: new Map([[memberId, Buffer.from('all')]]),
    });
    assert.equal(synced.result.assignment.toString(), 'all');
    assert.equal(describe(world).state, 'Stable');
  });

  test('pitfall 114: MEMBER_ID_REQUIRED tells a dynamic member its id, which is pending for one session', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
    const first = join(world, { requiresKnownMemberId: true }).result;
    assert.equal(first.errorCode, ErrorCode.MEMBER_ID_REQUIRED);
    assert.equal(first.generationId, -1);
    assert.match(first.memberId, /^client-/);
    const second = join(world, { requiresKnownMemberId: true, memberId: first.memberId });
    world.advance(0);
    assert.deepEqual([second.result.errorCode, second.result.memberId], [0, first.memberId]);

    const late = join(world, { requiresKnownMemberId: true }).result;
    world.advance(9_999);
    heartbeat(world, second.result.memberId, 1);
    world.advance(1);
    assert.equal(join(world, { memberId: late.memberId }).result.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('pitfall 114: static members and old clients get no MEMBER_ID_REQUIRED', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
    const dynamic = join(world, { requiresKnownMemberId: false });
    const instance = join(world, { groupInstanceId: 'one', requiresKnownMemberId: false });
    world.advance(0);
    assert.deepEqual([dynamic.result.errorCode, instance.result.errorCode], [0, 0]);
  });

  test('a rebalance waits for a member that was told its id', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
    const [leader] = stableGroup(world, {});
    const pending = join(world, { requiresKnownMemberId: true }).result;
    const again = join(world, { memberId: leader!.memberId });
    assert.equal(again.isAnswered, false);
    const joined = join(world, { memberId: pending.memberId });
    assert.equal(again.result.generationId, 2);
    assert.equal(joined.result.generationId, 2);
  });

  test('a static member may not use an id that was told to a dynamic one', () => {
    const world = new GroupWorld();
    const { memberId } = join(world, { requiresKnownMemberId: true }).result;
    assert.equal(
      join(world, { memberId, groupInstanceId: 'one' }).result.errorCode,
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
  });

  test('pitfall 115: member ids are the client or instance id, a dash and a uuid', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
    const dynamic = join(world, { clientId: 'app' });
    const instance = join(world, { clientId: 'app', groupInstanceId: 'pod-1' });
    world.advance(0);
    assert.match(dynamic.result.memberId, new RegExp(`^app-${uuid}`));
    assert.match(instance.result.memberId, new RegExp(`^pod-1-${uuid}`));
  });

  test('pitfall 116: members are told to the leader only, and an error echoes the member id', () => {
    const world = new GroupWorld();
    const joins = [join(world), join(world), join(world)].map((asked) => asked);
    world.advance(6_000);
    const results = joins.map((asked) => asked.result);
    assert.deepEqual(
      results.map(({ members }) => members.length),
      [3, 0, 0],
    );
    const refused = join(world, { memberId: 'nobody' }).result;
    assert.deepEqual(
      [refused.errorCode, refused.memberId, refused.protocolName],
      [ErrorCode.UNKNOWN_MEMBER_ID, 'nobody', null],
    );
  });

  test('pitfall 118: each member votes for its first protocol that all support', () => {
    const world = new GroupWorld();
    const joins = [
      join(world, { protocols: protocols('sticky', 'range', 'roundrobin') }),
      join(world, { protocols: protocols('roundrobin', 'range') }),
      join(world, { protocols: protocols('range', 'roundrobin', 'sticky') }),
    ];
    world.advance(6_000);
    assert.deepEqual(
      joins.map((asked) => asked.result.protocolName),
      ['range', 'range', 'range'],
    );
  });

  test('pitfall 118: no protocol in common, another type, or none at all is INCONSISTENT_GROUP_PROTOCOL', () => {
    const world = new GroupWorld();
    const code = ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
    assert.equal(join(world, { protocols: [] }).result.errorCode, code);
    assert.equal(join(world, { protocolType: '' }).result.errorCode, code);
    join(world, { protocols: protocols('range', 'sticky') });
    assert.equal(join(world, { protocols: protocols('roundrobin') }).result.errorCode, code);
    assert.equal(join(world, { protocolType: 'connect' }).result.errorCode, code);
    assert.equal(join(world, { protocols: [] }).result.errorCode, code);
    assert.equal(join(world, { protocols: protocols('sticky', 'roundrobin') }).isAnswered, false);
  });

  test('pitfall 119: the generation begins at 1 and rises once per completed rebalance', () => {
    const world = new GroupWorld();
    const joins = [join(world), join(world), join(world)];
    world.advance(6_000);
    assert.deepEqual(
      joins.map((asked) => asked.result.generationId),
      [1, 1, 1],
    );
    const members = syncAll(
      world,
      joins.map(({ result }) => ({ result, groupInstanceId: null })),
    );
    const rejoins = members.map(({ memberId }) => join(world, { memberId }));
    assert.deepEqual(
      rejoins.map((asked) => asked.result.generationId),
      [2, 2, 2],
    );
  });

  test('pitfall 120: in Stable a follower with the same metadata gets the generation, a leader rebalances', () => {
    const world = new GroupWorld();
    const [leader, follower] = stableGroup(world, {}, {});
    const same = join(world, { memberId: follower!.memberId }).result;
    assert.deepEqual([same.errorCode, same.generationId, same.leader], [0, 1, leader!.memberId]);
    assert.equal(describe(world).state, 'Stable');
    const parked = join(world, { memberId: leader!.memberId });
    assert.equal(parked.isAnswered, false);
    assert.equal(describe(world).state, 'PreparingRebalance');
  });

  test('pitfall 120: in Stable a follower with changed metadata rebalances', () => {
    const world = new GroupWorld();
    const [, follower] = stableGroup(world, {}, {});
    const changed = [{ name: 'range', metadata: subscription('other') }];
    assert.equal(join(world, { memberId: follower!.memberId, protocols: changed }).isAnswered, false);
    assert.equal(describe(world).state, 'PreparingRebalance');
  });

  test('in CompletingRebalance the same metadata gets the generation again, the leader with its members', () => {
    const world = new GroupWorld();
    const joins = [join(world), join(world)];
    world.advance(6_000);
    const [leader, follower] = joins.map((asked) => asked.result);
    assert.equal(join(world, { memberId: leader!.memberId }).result.members.length, 2);
    assert.equal(join(world, { memberId: follower!.memberId }).result.members.length, 0);
    const changed = [{ name: 'range', metadata: subscription('other') }];
    assert.equal(join(world, { memberId: follower!.memberId, protocols: changed }).isAnswered, false);
  });

  test('pitfall 121: the initial delay is prolonged by new members, up to the rebalance timeout', () => {
    const world = new GroupWorld();
    const first = join(world, { rebalanceTimeoutMs: 7_000 });
    for (let waitedMs = 0; waitedMs < 6_000; waitedMs += 2_000) {
      world.advance(2_000);
      assert.equal(first.isAnswered, false, `after ${waitedMs + 2_000} ms`);
      join(world, { rebalanceTimeoutMs: 7_000 });
    }
    world.advance(999);
    assert.equal(first.isAnswered, false);
    world.advance(1);
    assert.equal(first.result.members.length, 4);
  });

  test('pitfall 121: without new members the delay ends at once', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 100 });
    const asked = join(world);
    world.advance(100);
    assert.equal(asked.result.generationId, 1);
  });

  test('pitfall 122: late dynamic members are removed after the longest rebalance timeout', () => {
    const world = new GroupWorld();
    const [leader, follower] = stableGroup(
      world,
      { rebalanceTimeoutMs: 5_000 },
      { rebalanceTimeoutMs: 8_000, sessionTimeoutMs: 30_000 },
    );
    const rejoined = join(world, { memberId: leader!.memberId, rebalanceTimeoutMs: 5_000 });
    world.advance(7_999);
    assert.equal(rejoined.isAnswered, false);
    world.advance(1);
    assert.deepEqual(
      rejoined.result.members.map(({ memberId }) => memberId),
      [leader!.memberId],
    );
    assert.equal(heartbeat(world, follower!.memberId, 2).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('pitfall 122: late static members stay', () => {
    const world = new GroupWorld();
    const [leader] = stableGroup(world, {}, { groupInstanceId: 'one', sessionTimeoutMs: 200_000 });
    const rejoined = join(world, { memberId: leader!.memberId });
    world.advance(60_000);
    assert.equal(rejoined.result.members.length, 2);
  });

  test('pitfall 122: members that wait need no heartbeat, and a new one is kept for five minutes', () => {
    const world = new GroupWorld();
    const [leader] = stableGroup(world, { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 1_000_000 });
    const joiner = join(world, { rebalanceTimeoutMs: 1_000_000 });
    const alive = (ms: number): void => {
      for (let waitedMs = 0; waitedMs < ms; waitedMs += 5_000) {
        world.advance(5_000);
        heartbeat(world, leader!.memberId, 1);
      }
    };
    alive(295_000);
    assert.equal(joiner.isAnswered, false);
    alive(5_000);
    assert.deepEqual([joiner.result.errorCode, joiner.result.memberId], [ErrorCode.UNKNOWN_MEMBER_ID, '']);
  });

  test('a leader that does not come back is replaced by a member that has', () => {
    const world = new GroupWorld();
    const [, follower] = stableGroup(world, {}, {});
    const changed = [{ name: 'range', metadata: subscription('other') }];
    const rejoined = join(world, { memberId: follower!.memberId, protocols: changed });
    world.advance(60_000);
    assert.equal(rejoined.result.leader, follower!.memberId);
  });

  test('pitfall 123: session timeouts outside of the limits are INVALID_SESSION_TIMEOUT', () => {
    const world = new GroupWorld();
    for (const sessionTimeoutMs of [5_999, 1_800_001, 0, -1]) {
      assert.equal(join(world, { sessionTimeoutMs }).result.errorCode, ErrorCode.INVALID_SESSION_TIMEOUT);
    }
    assert.equal(world.shard.group(GROUP), undefined, 'a refused join founds no group');
    assert.equal(join(world, { sessionTimeoutMs: 6_000 }).isAnswered, false);
    assert.equal(join(world, { sessionTimeoutMs: 1_800_000 }).isAnswered, false);
  });

  test('F86: group.max.size refuses members above it', () => {
    const world = new GroupWorld({ sizeMax: 2 });
    const inside = [join(world), join(world)];
    assert.equal(join(world).result.errorCode, ErrorCode.GROUP_MAX_SIZE_REACHED);
    world.advance(6_000);
    const members = syncAll(
      world,
      inside.map(({ result }) => ({ result, groupInstanceId: null })),
    );
    assert.equal(join(world).result.errorCode, ErrorCode.GROUP_MAX_SIZE_REACHED);
    leave(world, { memberId: members[0]!.memberId });
    assert.equal(join(world).isAnswered, false);
  });

  test('a second join of the same member supersedes the first, which is answered', () => {
    const world = new GroupWorld();
    const [leader] = stableGroup(world, {}, {});
    const first = join(world, { memberId: leader!.memberId });
    const second = join(world, { memberId: leader!.memberId });
    assert.equal(first.result.errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
    assert.equal(second.isAnswered, false);
  });

  test('an id that the protocol has no room for is INVALID_REQUEST, and disturbs nobody', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
    for (const requiresKnownMemberId of [false, true]) {
      const refused = join(world, { clientId: 'é'.repeat(16_380), requiresKnownMemberId }).result;
      assert.deepEqual([refused.errorCode, refused.memberId], [ErrorCode.INVALID_REQUEST, '']);
    }
    const longest = join(world, { clientId: 'x'.repeat(0x7fff - 37) });
    world.advance(0);
    assert.deepEqual([longest.result.errorCode, longest.result.members.length], [0, 1]);
  });

  test('operators are told why a group rebalances, and what the client says of it, cut to 255 (KIP-800)', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
    const [leader] = stableGroup(world, { reason: 'r'.repeat(300) });
    join(world, { memberId: leader!.memberId, reason: 'new topics' });
    world.advance(0);
    leave(world, { memberId: leader!.memberId, reason: 'done' });
    const { memberId } = leader!;
    assert.deepEqual(
      world.told.map(({ message, values }) => [message, values['state'], values['reason']]),
      [
        ['a group rebalances', 'Empty', `new member ${memberId}; client reason: ${'r'.repeat(255)}`],
        ['a group rebalances', 'Stable', `leader ${memberId} joins again; client reason: new topics`],
        ['a group rebalances', 'CompletingRebalance', `${memberId} has left; client reason: done`],
      ],
    );
  });

  test('of protocols with the same name the first counts', () => {
    const world = new GroupWorld({ initialRebalanceDelayMs: 0 });
    const twice = [
      { name: 'range', metadata: Buffer.from('first') },
      { name: 'range', metadata: Buffer.from('second') },
    ];
    const asked = join(world, { protocols: twice });
    world.advance(0);
    assert.equal(asked.result.members[0]!.metadata.toString(), 'first');
  });
});
