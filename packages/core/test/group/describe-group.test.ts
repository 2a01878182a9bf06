import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { GroupWorld } from './group-world.ts';
import { GROUP, commit, describe, join, leave, stableGroup, subscription } from './requests.ts';

suite('describing and listing', () => {
  test('pitfall 140: an unknown group is Dead, without an error', () => {
    const world = new GroupWorld();
    assert.deepEqual(describe(world), {
      kind: 'describe-group',
      errorCode: 0,
      state: 'Dead',
      protocolType: '',
      protocolName: '',
      members: [],
    });
  });

  test('pitfall 141: protocol, metadata and assignments are told in Stable only', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, { clientId: 'app', groupInstanceId: 'one' });
    assert.deepEqual(describe(world), {
      kind: 'describe-group',
      errorCode: 0,
      state: 'Stable',
      protocolType: 'consumer',
      protocolName: 'range',
      members: [
        {
          memberId: member!.memberId,
          groupInstanceId: 'one',
          clientId: 'app',
          clientHost: '/127.0.0.1',
          metadata: subscription('topic'),
          assignment: Buffer.from(member!.memberId),
        },
      ],
    });
    join(world);
    const rebalancing = describe(world);
    assert.deepEqual([rebalancing.state, rebalancing.protocolName], ['PreparingRebalance', '']);
    assert.deepEqual(
      rebalancing.members.map(({ metadata, assignment }) => [metadata.length, assignment.length]),
      [
        [0, 0],
        [0, 0],
      ],
    );
  });

  test('pitfall 141: an Empty group answers normally', () => {
    const world = new GroupWorld();
    const [member] = stableGroup(world, {});
    leave(world, member!);
    const { errorCode, state, protocolType, members } = describe(world);
    assert.deepEqual([errorCode, state, protocolType, members], [0, 'Empty', 'consumer', []]);
  });

  test('pitfall 142: the protocol type is what the members said, and empty for groups of offsets only', () => {
    const world = new GroupWorld();
    stableGroup(world, { protocolType: 'connect' });
    commit(world, { groupId: 'offsets-only' });
    assert.equal(describe(world).protocolType, 'connect');
    assert.equal(describe(world, 'offsets-only').protocolType, '');
  });

  test('pitfall 143: states have exactly these names', () => {
    const world = new GroupWorld();
    const seen = [describe(world).state];
    commit(world);
    seen.push(describe(world).state);
    const asked = join(world);
    seen.push(describe(world).state);
    world.advance(3_000);
    seen.push(describe(world).state);
    const { memberId, generationId } = asked.result;
    world.ask({
      kind: 'sync-group',
      groupId: GROUP,
      memberId,
      generationId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: new Map(),
    });
    seen.push(describe(world).state);
    assert.deepEqual(seen, ['Dead', 'Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable']);
  });

  test('pitfall 144: Empty groups with offsets are listed', () => {
    const world = new GroupWorld();
    commit(world, { groupId: 'offsets-only' });
    stableGroup(world, {});
    const { groups } = world.ask({ kind: 'list-groups' }).result;
    assert.deepEqual(groups, [
      { groupId: 'offsets-only', protocolType: '', state: 'Empty' },
      { groupId: GROUP, protocolType: 'consumer', state: 'Stable' },
    ]);
  });
});
