// What a coordinator may answer, and when: every test scripts it.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import { decodeAssignment, encodeSubscription } from '../../src/consumer/consumer-protocol.ts';
import type { GroupConsumerOptions } from '../../src/consumer/group-options.ts';
import { GroupConsumer } from '../../src/consumer/group-consumer.ts';
import { until } from '../support/live-cluster.ts';
import { CUT, ScriptedBroker } from '../support/scripted-broker.ts';
import { ScriptedGroup, joinRefused } from '../support/scripted-group.ts';

let broker: ScriptedBroker;
let group: ScriptedGroup;
let consumers: GroupConsumer[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  broker.on(metadataApi, () => broker.clusterOf('t', 1));
  group = new ScriptedGroup(broker);
  consumers = [];
});

afterEach(async () => {
  await Promise.allSettled(consumers.map((consumer) => consumer.close(100)));
  await broker.close();
});

function consumerOf(options: Partial<GroupConsumerOptions> = {}): GroupConsumer {
  const consumer = new GroupConsumer({
    bootstrapServers: broker.bootstrapServers,
    groupId: 'g',
    topics: ['t'],
    offsetReset: 'earliest',
    heartbeatIntervalMs: 10,
    retryBackoffMs: 2,
    retryBackoffMaxMs: 5,
    fetchMaxWaitMs: 10,
    apiTimeoutMs: 1_000,
    autoCommitIntervalMs: 0,
    maxPollRecords: 1,
    ...options,
  });
  consumers.push(consumer);
  return consumer;
}

/** Polls until a record comes. @returns its offset */
async function nextOffset(consumer: GroupConsumer): Promise<number> {
  for (;;) {
    for (const { records } of await consumer.poll(100)) if (records.length > 0) return records[0]!.offset;
  }
}

function memberIds(): string[] {
  return broker.bodies(joinGroupApi).map(({ memberId }) => memberId);
}

test('a member joins under the id that it is given, reads, commits and leaves', async () => {
  const consumer = consumerOf();
  assert.equal(await nextOffset(consumer), 0);
  assert.equal(await nextOffset(consumer), 1);
  await consumer.close();
  assert.deepEqual(memberIds(), ['', 'm1']);
  assert.deepEqual(group.commits, [{ offset: 1, generation: 1, memberId: 'm1' }]);
  assert.deepEqual(
    broker.bodies(leaveGroupApi).map(({ members }) => members.map(({ memberId }) => memberId)),
    [['m1']],
  );
});

test('client pitfall E3: coordinator, fetches and the rest each have a connection of their own', async () => {
  await nextOffset(consumerOf());
  assert.equal(broker.connections, 3);
});

test('client pitfall E4: errors that say nothing of the membership do not end the beating', async () => {
  const codes: number[] = [
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.NETWORK_EXCEPTION,
  ];
  let beats = 0;
  broker.on(heartbeatApi, () => {
    beats++;
    if (beats % 4 === 0) return CUT;
    return { errorCode: beats % 2 === 0 ? (codes[beats % codes.length] ?? 0) : 0 };
  });
  const consumer = consumerOf();
  await nextOffset(consumer);
  await until(() => beats >= 30);
  assert.equal(group.generation, 1, 'it never joined again');
  assert.equal(await nextOffset(consumer), 1);
});

test('client pitfall J3: a handler that never waits does not keep the heart from beating', async () => {
  group.logEnd = group.fetchCount = 400;
  let beats = 0;
  broker.on(heartbeatApi, () => {
    beats++;
    return { errorCode: 0 };
  });
  const consumer = consumerOf({ maxPollRecords: 10 });
  let handled = 0;
  const running = consumer.run({
    eachMessage: () => {
      const sinceMs = performance.now();
      while (performance.now() - sinceMs < 1);
      handled++;
    },
  });
  await until(() => handled === 400);
  const beatsMeanwhile = beats;
  await consumer.close();
  await running;
  // 400 ms of work and 10 ms between beats.
  assert.ok(beatsMeanwhile >= 5, `${beatsMeanwhile} beats`);
});

test('client pitfall E7: a join that is cut is tried again under the same id', async () => {
  let joins = 0;
  broker.on(joinGroupApi, ({ memberId, protocols }) => {
    joins++;
    if (memberId === '') return joinRefused(ErrorCode.MEMBER_ID_REQUIRED, 'm1');
    return joins === 2 ? CUT : group.joined(memberId, protocols[0]!);
  });
  await nextOffset(consumerOf());
  assert.deepEqual(memberIds(), ['', 'm1', 'm1']);
});

test('client pitfall E7: an unknown member joins as a new one, an old generation under its id', async () => {
  let syncs = 0;
  broker.on(syncGroupApi, ({ memberId, assignments }) => {
    syncs++;
    if (syncs === 1) return { errorCode: ErrorCode.ILLEGAL_GENERATION, assignment: Buffer.alloc(0) };
    if (syncs === 2) return { errorCode: ErrorCode.UNKNOWN_MEMBER_ID, assignment: Buffer.alloc(0) };
    return { errorCode: 0, assignment: assignments.find((each) => each.memberId === memberId)!.assignment };
  });
  await nextOffset(consumerOf());
  assert.deepEqual(memberIds(), ['', 'm1', 'm1', '', 'm2']);
});

test('client pitfall E11: expelled by a beat: lost, not revoked, and nothing of before is committed', async () => {
  const events: string[] = [];
  const consumer = consumerOf({
    onRevoked: () => void events.push('revoked'),
    onLost: () => void events.push('lost'),
  });
  await nextOffset(consumer);
  await nextOffset(consumer);
  let isExpelled = false;
  broker.on(heartbeatApi, ({ memberId }) => {
    isExpelled ||= memberId === 'm1';
    return { errorCode: memberId === 'm1' ? ErrorCode.UNKNOWN_MEMBER_ID : 0 };
  });
  await until(() => isExpelled && consumer.assignment.length === 0);
  assert.equal(await nextOffset(consumer), 0, 'from what is committed');
  assert.deepEqual([events, group.commits], [['lost'], []]);
});

test('client pitfall H3: commits do not overtake one another, and the newest comes last', async () => {
  const releases: (() => void)[] = [];
  broker.on(
    offsetCommitApi,
    (request) => new Promise((resolve) => releases.push(() => resolve(group.commit(request)))),
  );
  const consumer = consumerOf();
  await nextOffset(consumer);
  await nextOffset(consumer);
  const first = consumer.commit();
  await until(() => releases.length === 1);
  await nextOffset(consumer);
  await nextOffset(consumer);
  const second = consumer.commit();
  const third = consumer.commit();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(releases.length, 1, 'the second waits for the first');
  releases[0]!();
  await first;
  await until(() => releases.length === 2);
  releases[1]!();
  await Promise.all([second, third]);
  assert.deepEqual(
    group.commits.map(({ offset }) => offset),
    [1, 3],
  );
});

test('client pitfall H6: what a refused commit means', async () => {
  const cases: [number, { rejects: boolean; joinsAs: string | null }][] = [
    [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, { rejects: false, joinsAs: null }],
    [ErrorCode.NOT_COORDINATOR, { rejects: false, joinsAs: null }],
    [ErrorCode.COORDINATOR_NOT_AVAILABLE, { rejects: false, joinsAs: null }],
    [ErrorCode.REBALANCE_IN_PROGRESS, { rejects: true, joinsAs: 'same' }],
    [ErrorCode.ILLEGAL_GENERATION, { rejects: true, joinsAs: 'same' }],
    [ErrorCode.UNKNOWN_MEMBER_ID, { rejects: true, joinsAs: 'new' }],
    [ErrorCode.OFFSET_METADATA_TOO_LARGE, { rejects: true, joinsAs: null }],
    [ErrorCode.GROUP_AUTHORIZATION_FAILED, { rejects: true, joinsAs: null }],
    [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, { rejects: true, joinsAs: null }],
  ];
  for (const [code, { rejects, joinsAs }] of cases) {
    const consumer = consumerOf();
    group.logEnd = 1_000;
    await nextOffset(consumer);
    const joinsBefore = memberIds();
    const id = joinsBefore.at(-1)!;
    let refusals = 1;
    broker.on(offsetCommitApi, (request) => group.commit(request, refusals-- > 0 ? code : 0));
    const outcome = await consumer.commit([{ topic: 't', partition: 0, offset: 1 }]).then(
      () => null,
      (error: unknown) => error,
    );
    assert.equal(outcome !== null, rejects, `${code}`);
    if (outcome !== null) assert.equal((outcome as { code: number }).code, code);
    const joinsExpected = joinsAs === null ? 0 : joinsAs === 'same' ? 1 : 2;
    await until(async () => {
      await nextOffset(consumer);
      return memberIds().length >= joinsBefore.length + joinsExpected;
    });
    const joinedAs = memberIds().slice(joinsBefore.length);
    const expected = joinsAs === null ? [] : joinsAs === 'same' ? [id] : ['', memberIds().at(-1)!];
    assert.deepEqual(joinedAs, expected, `${code}`);
    await consumer.close(100);
  }
});

test('client pitfall H8: offsets of an open transaction are waited for', async () => {
  let pending = 3;
  broker.on(offsetFetchApi, () =>
    pending-- > 0 ? group.committed(-1, ErrorCode.UNSTABLE_OFFSET_COMMIT) : group.committed(3),
  );
  assert.equal(await nextOffset(consumerOf()), 3);
  assert.ok(broker.bodies(offsetFetchApi).every(({ requireStable }) => requireStable));
});

test('client pitfall A24: a coordinator that is gone is looked for anew', async () => {
  const dead = await ScriptedBroker.start();
  const { port } = dead;
  await dead.close();
  let lookups = 0;
  broker.on(findCoordinatorApi, () => {
    if (++lookups > 1) return group.coordinator();
    return {
      coordinators: [{ key: 'g', nodeId: 9, host: '127.0.0.1', port, errorCode: 0, errorMessage: null }],
    };
  });
  assert.equal(await nextOffset(consumerOf()), 0);
  assert.equal(lookups, 2);
});

test('a group that does not take this member is an error, with the reason', async () => {
  for (const code of [
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    ErrorCode.INVALID_SESSION_TIMEOUT,
    ErrorCode.GROUP_AUTHORIZATION_FAILED,
    ErrorCode.GROUP_MAX_SIZE_REACHED,
  ]) {
    broker.on(joinGroupApi, () => joinRefused(code));
    const consumer = consumerOf();
    await assert.rejects(consumer.poll(1_000), { code, message: /cannot join group "g": / });
  }
});

test('client pitfall E2: who stops polling while the group forms does not join in the end', async () => {
  let joins = 0;
  broker.on(joinGroupApi, ({ memberId }) => {
    if (memberId === '') return joinRefused(ErrorCode.MEMBER_ID_REQUIRED, 'm1');
    joins++;
    return new Promise((resolve) => setTimeout(() => resolve(joinRefused(ErrorCode.UNKNOWN_MEMBER_ID)), 100));
  });
  const consumer = consumerOf({ maxPollIntervalMs: 50 });
  await consumer.poll(20);
  await until(() => joins === 1);
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.deepEqual(memberIds(), ['', 'm1']);
  await consumer.poll(50);
  assert.deepEqual(memberIds().slice(0, 3), ['', 'm1', '']);
});

test('closing while the group forms leaves it, on a connection that is not held up', async () => {
  let joining = false;
  broker.on(joinGroupApi, ({ memberId }) => {
    if (memberId === '') return joinRefused(ErrorCode.MEMBER_ID_REQUIRED, 'm1');
    joining = true;
    return new Promise(() => undefined);
  });
  const consumer = consumerOf({ requestTimeoutMs: 200, maxPollIntervalMs: 300, sessionTimeoutMs: 300 });
  const polling = consumer.poll(60_000).catch((error: unknown) => error);
  await until(() => joining);
  const closing = consumer.close(300);
  await until(() => broker.bodies(leaveGroupApi).length === 1);
  await closing;
  assert.equal(((await polling) as { code: string }).code, 'CLOSED');
});

test('client pitfall E5: one request to join at a time, whatever gives reason for another', async () => {
  let underWay = 0;
  let most = 0;
  broker.on(joinGroupApi, async ({ memberId, protocols }) => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 20));
    underWay--;
    if (memberId === '') return joinRefused(ErrorCode.MEMBER_ID_REQUIRED, 'm1');
    return group.joined(memberId, protocols[0]!);
  });
  const consumer = consumerOf();
  await nextOffset(consumer);
  let isAsked = 0;
  broker.on(heartbeatApi, () => ({ errorCode: isAsked++ < 3 ? ErrorCode.REBALANCE_IN_PROGRESS : 0 }));
  await until(async () => (await consumer.poll(1), isAsked >= 4));
  assert.equal(most, 1);
});

test('client pitfall E6: a member whose assignment failed to come joins again until it has one', async () => {
  const codes = [
    ErrorCode.REBALANCE_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
  ];
  broker.on(syncGroupApi, ({ memberId, assignments }) => ({
    errorCode: codes.shift() ?? 0,
    assignment: assignments.find((each) => each.memberId === memberId)?.assignment ?? Buffer.alloc(0),
  }));
  assert.equal(await nextOffset(consumerOf()), 0);
  assert.equal(codes.length, 0);
  assert.ok(memberIds().length >= 5, 'a join for each');
});

test('client pitfall E9: a commit that is asked for during a join comes after it, in the new generation', async () => {
  group.logEnd = 1_000;
  const consumer = consumerOf({ assignors: ['cooperative-sticky'] });
  await nextOffset(consumer);
  const joining: (() => void)[] = [];
  broker.on(
    joinGroupApi,
    ({ memberId, protocols }) =>
      new Promise((resolve) => joining.push(() => resolve(group.joined(memberId, protocols[0]!)))),
  );
  const { generation } = group;
  broker.on(heartbeatApi, () => ({
    errorCode: group.generation === generation ? ErrorCode.REBALANCE_IN_PROGRESS : 0,
  }));
  // Cooperative members read on while they join.
  let offset = 0;
  while (joining.length === 0) offset = await nextOffset(consumer);
  const before = group.commits.length;
  const commit = consumer.commit([{ topic: 't', partition: 0, offset: offset + 1 }]);
  joining[0]!();
  await commit;
  assert.deepEqual(
    group.commits.slice(before).map((each) => [each.offset, each.generation]),
    [[offset + 1, generation + 1]],
  );
});

test('client pitfall E14: the leader looks up the topics of all members, and leaves nobody out', async () => {
  broker.on(metadataApi, ({ topics }) => {
    const { topics: known, ...cluster } = broker.clusterOf('t', 1) as { topics: object[] };
    const others = (topics ?? []).filter(({ name }) => name === 'u').map(() => ({ ...known[0]!, name: 'u' }));
    return { ...cluster, topics: [...known, ...others] };
  });
  const member = (memberId: string, topics: readonly string[]): object => ({
    memberId,
    groupInstanceId: null,
    metadata: encodeSubscription({ topics, owned: [], generation: -1, userData: null }),
  });
  broker.on(joinGroupApi, ({ memberId, protocols }) => {
    if (memberId === '') return joinRefused(ErrorCode.MEMBER_ID_REQUIRED, 'm1');
    const joined = group.joined(memberId, protocols[0]!) as { members: object[] };
    return { ...joined, members: [...joined.members, member('m2', ['u']), member('m3', ['u', 't'])] };
  });
  await nextOffset(consumerOf({ assignors: ['range'] }));
  const { assignments } = broker.bodies(syncGroupApi)[0]!;
  const given = assignments.map(({ memberId, assignment }) => [memberId, decodeAssignment(assignment)]);
  assert.deepEqual(given.toSorted(), [
    ['m1', [{ topic: 't', partition: 0 }]],
    ['m2', [{ topic: 'u', partition: 0 }]],
    ['m3', []],
  ]);
});

test('client pitfall H7: what is kept beside an offset comes back as it was; an epoch that is not known is none', async () => {
  const consumer = consumerOf();
  await nextOffset(consumer);
  const metadata = 'a\0b \u{1f600}';
  await consumer.commit([{ topic: 't', partition: 0, offset: 1, leaderEpoch: 7, metadata }]);
  await consumer.commit([{ topic: 't', partition: 0, offset: 2 }]);
  const sent = broker.bodies(offsetCommitApi).map(({ topics }) => topics[0]!.partitions[0]!);
  assert.deepEqual(
    sent.map((each) => [each.committedOffset, each.committedLeaderEpoch, each.committedMetadata]),
    [
      [1, 7, metadata],
      [2, -1, ''],
    ],
  );
  const answered = (committedMetadata: string | null, committedLeaderEpoch: number): void =>
    broker.on(offsetFetchApi, () => {
      const partition = {
        ...{ partitionIndex: 0, committedOffset: 2, errorCode: 0 },
        ...{ committedLeaderEpoch, metadata: committedMetadata },
      };
      return { groups: [{ groupId: 'g', topics: [{ name: 't', partitions: [partition] }], errorCode: 0 }] };
    });
  const at = { topic: 't', partition: 0 };
  answered(metadata, 7);
  assert.deepEqual(
    [...(await consumer.committed([at])).values()],
    [{ ...at, offset: 2, leaderEpoch: 7, metadata }],
  );
  answered(null, -1);
  const [without] = [...(await consumer.committed([at])).values()];
  assert.deepEqual([without!.offset, without!.leaderEpoch, without!.metadata], [2, undefined, null]);
});
