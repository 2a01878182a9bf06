import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { EmbeddedTree } from '../../../broker/src/adapters/embedded-coordination/embedded-tree.ts';
import type { AskedMove, ElectionOutcome, ElectionType } from '../../src/controller/leader-changes.ts';
import type { PartitionProposal, ProposalOutcome } from '../../src/controller/leader-requests.ts';
import type { TopicFault } from '../../src/controller/topic-request.ts';
import { PromisedSession } from '../coordination/promised-session.ts';
import { CoordinationError, type Coordination } from '../../src/ports/coordination.ts';
import { BALANCE_INTERVAL_MS, BrokerLife, newTree, topicOf, until } from './controller-world.ts';

let tree: EmbeddedTree;
let lives: BrokerLife[];

beforeEach(async () => {
  tree = newTree();
  lives = [];
  for (const nodeId of [0, 1, 2]) lives.push(await new BrokerLife(tree.connect(), nodeId).start());
  await until(() => lives[0]!.state.brokers.size === 3);
});
afterEach(() => tree.close());

function die(nodeId: number): void {
  tree.expireSession(lives[nodeId]!.session.sessionId);
}

async function comeBack(nodeId: number): Promise<void> {
  lives[nodeId] = await new BrokerLife(tree.connect(), nodeId).start();
}

const controller = (): BrokerLife => lives.find(({ controller: { isActive } }) => isActive)!;

async function create(name: string, ...assignments: number[][]): Promise<void> {
  const outcomes = await controller().create({
    name,
    partitionCount: -1,
    replicationFactor: -1,
    assignments: assignments.map((replicas, partition) => ({ partition, replicas })),
    settings: new Map(),
  });
  assert.ok(!('errorCode' in outcomes.get(name)!), JSON.stringify(outcomes.get(name)));
}

function partition(name: string, index = 0) {
  return controller().state.topic(name)!.partitions[index]!;
}

function leads(state: BrokerLife['state'], nodeId: number): boolean {
  return state.topic('t')?.partitions[0]?.leader === nodeId;
}

function alter(proposal: Partial<PartitionProposal>, brokerId = 0, epochShift = 0) {
  const { leaderEpoch, partitionEpoch } = partition('t');
  const whole = { topic: 't', partition: 0, leaderEpoch, partitionEpoch, isr: [0], isRecovering: false };
  const { brokerEpoch } = controller().state.brokers.get(brokerId)!;
  return new Promise<{ errorCode: number; outcomes: readonly ProposalOutcome[] }>((resolve) => {
    controller().controller.alterPartitions(
      { brokerId, brokerEpoch: brokerEpoch + epochShift },
      [{ ...whole, ...proposal }],
      (errorCode, outcomes) => resolve({ errorCode, outcomes }),
    );
  });
}

function electLeaders(type: ElectionType, topic: string): Promise<readonly ElectionOutcome[]> {
  return new Promise((resolve) =>
    controller().controller.electLeaders(type, [{ topic, partition: 0 }], resolve),
  );
}

test('a new topic is told to the brokers that hold it, and to all as metadata', async () => {
  await create('t', [1, 2], [2, 1]);
  const { sent } = controller();
  const told = (id: number) =>
    sent
      .get(id)!
      .at(-1)!
      .leadership.map(({ partition: index, leader, isNew }) => [index, leader, isNew]);
  assert.deepEqual(told(0), []);
  assert.deepEqual(told(1), [
    [0, 1, true],
    [1, 2, true],
  ]);
  for (const id of [0, 1, 2]) assert.equal(sent.get(id)!.at(-1)!.metadata!.length, 2);
});

test('when a leader dies another in-sync replica leads, and the rest is told', async () => {
  await create('t', [1, 2, 0]);
  die(1);
  await until(() => partition('t').leader === 2);
  assert.deepEqual([partition('t').isr, partition('t').leaderEpoch], [[2, 0], 1]);
  const last = controller().sent.get(2)!.at(-1)!;
  assert.deepEqual(
    last.leadership.map(({ leader, leaderEpoch }) => [leader, leaderEpoch]),
    [[2, 1]],
  );
  assert.equal(controller().sent.has(1), false);
});

test('a broker that comes back is told all that it holds, and leads what nobody else could', async () => {
  await create('t', [1]);
  await create('u', [0, 1]);
  die(1);
  await until(() => partition('t').leader === -1);
  await comeBack(1);
  await until(() => partition('t').leader === 1);
  const [metadata, everything, election] = controller().sent.get(1)!;
  assert.deepEqual(metadata!.metadata, []);
  assert.deepEqual([everything!.isComplete, everything!.leadership.length], [true, 2]);
  assert.deepEqual(
    election!.leadership.map(({ leader, leaderEpoch }) => [leader, leaderEpoch]),
    [[1, 2]],
  );
});

test('a broker that was gone for a moment only is treated as one that died and came', async () => {
  await create('t', [1, 2]);
  die(1);
  const back = new BrokerLife(tree.connect(), 1);
  await back.register();
  await until(
    () =>
      controller()
        .sent.get(1)
        ?.some(({ isComplete }) => isComplete) ?? false,
  );
  assert.deepEqual([partition('t').leader, partition('t').isr], [2, [2]]);
});

test('when the controller dies another broker goes on with the same cluster', async () => {
  await create('t', [0, 1, 2]);
  die(0);
  await until(() => lives.some(({ state, controller: { isActive } }) => isActive && leads(state, 1)));
  assert.deepEqual(
    [partition('t').isr, partition('t').replicas],
    [
      [1, 2],
      [0, 1, 2],
    ],
  );
  await create('u', [2, 1]);
  assert.equal(partition('u').leader, 2);
  await comeBack(0);
  assert.equal(lives[0]!.controller.isActive, false);
  assert.equal(lives[0]!.state.controllerId, controller().nodeId);
});

test('F55, F56: the next controller tells who is there before who leads, and of brokers that died with the last one', async () => {
  await create('t', [2, 1]);
  await create('gone', [2]);
  die(2);
  die(0);
  await until(() => lives[1]!.controller.isActive && leads(lives[1]!.state, 1));
  assert.deepEqual([partition('t').isr, partition('gone').leader], [[1], -1]);
  const [first, second] = controller().sent.get(1)!;
  assert.deepEqual([first!.metadata, first!.leadership], [[], []]);
  assert.equal(second!.leadership[0]!.leader, 1);
  await controller().delete('gone');
  assert.equal(
    controller().state.topic('gone')!.isDeleting,
    true,
    'what a broker that is away holds is waited for',
  );
  await comeBack(2);
  await until(() => controller().state.topic('gone') === undefined);
});

test('a topic that another broker wrote into the tree gets leaders and its settings', async () => {
  const session = new PromisedSession(tree.connect());
  await session.create('/config/topics/made', '{"version":1,"config":{"retention.ms":"7"}}');
  await session.create(
    '/brokers/topics/made',
    '{"version":3,"partitions":{"0":[2,1]},"adding_replicas":{},"removing_replicas":{}}',
  );
  await until(() => controller().state.topic('made')?.partitions[0]?.leader === 2);
  assert.deepEqual(controller().settings.get('made'), new Map([['retention.ms', '7']]));
  const node = JSON.parse((await session.read('/brokers/topics/made')).data!.toString()) as object;
  assert.ok('topic_id' in node, 'a topic without an id gets one');
});

test('a topic goes once every replica is gone; a broker that is away is waited for, nobody finds it meanwhile', async () => {
  await create('t', [0, 1]);
  die(1);
  await until(() => !controller().state.isLive(1));
  const outcomes = await controller().delete('t');
  assert.equal(outcomes.get('t'), null);
  assert.equal(controller().state.topic('t')!.isDeleting, true);
  const session = new PromisedSession(tree.connect());
  assert.notEqual(await session.stat('/admin/delete_topics/t'), null);
  await comeBack(1);
  await until(() => controller().state.topic('t') === undefined);
  assert.equal(await session.stat('/admin/delete_topics/t'), null);
  assert.equal(await session.stat('/brokers/topics/t'), null);
  assert.deepEqual(controller().sent.get(1)!.at(-1)!.stops, [
    { topic: 't', partition: 0, leaderEpoch: -2, deleteLog: true },
  ]);
});

test('F72: a topic stays until a broker has said of each replica that it is deleted', async () => {
  await create('t', [0, 1]);
  const refused = [{ topic: 't', partition: 0, errorCode: ErrorCode.KAFKA_STORAGE_ERROR }];
  controller().answers.set(1, { leadershipErrors: [], stopErrors: refused });
  assert.equal((await controller().delete('t')).get('t'), null);
  const session = new PromisedSession(tree.connect());
  assert.notEqual(await session.stat('/brokers/topics/t'), null);
  controller().answers.delete(1);
  die(1);
  await until(() => !controller().state.isLive(1));
  await comeBack(1);
  await until(() => controller().state.topic('t') === undefined);
});

test('F62: a topic that is being deleted or moved does not grow, and one that is being deleted does not move', async () => {
  await create('t', [0, 1]);
  await create('moving', [0, 1]);
  await reassign({ topic: 'moving', partition: 0, target: [2, 1] });
  die(1);
  await until(() => !controller().state.isLive(1));
  await controller().delete('t');
  const codeOf = async (name: string) =>
    ((await controller().grow(name, 3)).get(name) as { errorCode: number } | null)?.errorCode;
  assert.equal(await codeOf('t'), ErrorCode.INVALID_TOPIC_EXCEPTION);
  assert.equal(await codeOf('moving'), ErrorCode.REASSIGNMENT_IN_PROGRESS);
  const [fault] = await reassign({ topic: 't', partition: 0, target: [0, 2] });
  assert.equal(fault?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  await comeBack(1);
  await until(() => controller().state.topic('t') === undefined);
  assert.equal(partition('moving', 1), undefined);
});

/** As a tool does that knows nothing of states. */
async function writeAssignment(name: string, partitions: Record<number, number[]>): Promise<void> {
  const session = new PromisedSession(tree.connect());
  const { data } = await session.read(`/brokers/topics/${name}`);
  const node = { ...(JSON.parse(data!.toString()) as object), partitions };
  await session.set(`/brokers/topics/${name}`, JSON.stringify(node));
}

test('F62: partitions that a tool adds to the node of a topic get leaders at once, and the topic grows on from there', async () => {
  await create('t', [0, 1]);
  await writeAssignment('t', { 0: [0, 1], 1: [2, 1] });
  await until(() => partition('t', 1)?.leader === 2);
  assert.equal((await controller().grow('t', 3)).get('t'), null);
  await writeAssignment('t', { 0: [0, 1], 1: [2, 1], 2: partition('t', 2).replicas.slice(), 3: [1, 2] });
  await until(() => partition('t', 3)?.leader === 1);
  const told = controller()
    .sent.get(1)!
    .flatMap(({ leadership }) => leadership);
  assert.ok(told.some((change) => change.partition === 3 && change.isNew));
  const epochs = [0, 1, 2, 3].map((index) => partition('t', index).controllerEpoch);
  assert.equal(new Set(epochs).size, 1, 'within one term');
});

test('F62: partitions that a tool adds to a topic that is being deleted are not made: its node is as it was', async () => {
  await create('t', [0, 1]);
  die(1);
  await until(() => !controller().state.isLive(1));
  await controller().delete('t');
  await writeAssignment('t', { 0: [0, 1], 1: [2, 0] });
  const session = new PromisedSession(tree.connect());
  const indexes = async () => {
    const { partitions } = JSON.parse((await session.read('/brokers/topics/t')).data!.toString()) as {
      partitions: object;
    };
    return Object.keys(partitions);
  };
  while ((await indexes()).length > 1);
  assert.equal(partition('t', 1), undefined);
  await comeBack(1);
  await until(() => controller().state.topic('t') === undefined);
});

test('what a tool writes for a topic that is no assignment leaves the topic as it was', async () => {
  await create('t', [0, 1]);
  const session = new PromisedSession(tree.connect());
  await session.set('/brokers/topics/t', 'nonsense');
  await create('other', [1, 0]);
  assert.equal(partition('t').leader, 0);
});

test('F71: where an unclean leader is allowed while nobody leads, one leads at once, and of no other topic', async () => {
  await create('t', [0, 1]);
  await create('other', [0, 1]);
  for (const name of ['t', 'other']) {
    const { leaderEpoch, partitionEpoch } = partition(name);
    await alter({ topic: name, leaderEpoch, partitionEpoch, isr: [0] });
  }
  die(0);
  await until(() => controller()?.state.topic('t')?.partitions[0]?.leader === -1);
  const { uncleanTopics, controller: own } = controller();
  own.electionSettingsChanged('t');
  uncleanTopics.add('t').add('other');
  own.electionSettingsChanged('t');
  await until(() => partition('t').leader === 1);
  assert.deepEqual([partition('t').isr, partition('t').isRecovering], [[1], true]);
  assert.equal(partition('other').leader, -1);
  own.electionSettingsChanged(null);
  await until(() => partition('other').leader === 1);
});

test('as long as a topic is being deleted, all that is told of it says so, and nothing elects its leaders', async () => {
  await create('t', [0, 1, 2]);
  die(1);
  await until(() => !controller().state.isLive(1));
  await controller().delete('t');
  const [told] = (await electLeaders('preferred', 't')).map(({ fault }) => fault?.errorCode);
  assert.equal(told, ErrorCode.INVALID_TOPIC_EXCEPTION);
  const before = controller().sent.get(2)!.length;
  await alter({ isr: [0] });
  const leaders = (id: number, from = 0) =>
    controller()
      .sent.get(id)!
      .slice(from)
      .flatMap(({ metadata }) => metadata ?? [])
      .map(({ leader }) => leader);
  assert.deepEqual(leaders(2, before), [-2]);
  await comeBack(1);
  await until(() => controller().state.topic('t') === undefined);
  assert.deepEqual(new Set(leaders(1)), new Set([-2]), 'nobody tells it later that the topic is gone');
});

test('a deletion that a tool has asked for is done, one of a topic that is not there is forgotten', async () => {
  await create('t', [0, 1]);
  const session = new PromisedSession(tree.connect());
  await session.create('/admin/delete_topics/t');
  await session.create('/admin/delete_topics/nowhere');
  await until(() => controller().state.topic('t') === undefined);
  while ((await session.children('/admin/delete_topics')).length > 0);
});

test('a leader changes its in-sync set; others hear of it as metadata only', async () => {
  await create('t', [0, 1, 2]);
  const before = controller().sent.get(1)!.length;
  const { outcomes } = await alter({ isr: [0, 2] });
  assert.equal(outcomes[0]!.errorCode, 0);
  assert.deepEqual(
    [partition('t').isr, partition('t').leaderEpoch, partition('t').partitionEpoch],
    [[0, 2], 0, 1],
  );
  const [told] = controller().sent.get(1)!.slice(before);
  assert.deepEqual([told!.leadership, told!.metadata!.map(({ isr }) => isr)], [[], [[0, 2]]]);
  assert.equal((await alter({}, 0, -1)).errorCode, ErrorCode.STALE_BROKER_EPOCH);
});

test('a creation whose answer is lost may have happened: it is said so, and the controller finds out', async () => {
  const session = tree.connect();
  let isLosing = false;
  const forgetful: Coordination = {
    sessionId: session.sessionId,
    read: (path, watch, done) => session.read(path, watch, done),
    stat: (path, watch, done) => session.stat(path, watch, done),
    children: (path, watch, done) => session.children(path, watch, done),
    onSession: (listener) => session.onSession(listener),
    close: (done) => session.close(done),
    write: (operations, done) =>
      session.write(operations, (error, results) => {
        if (isLosing) done(new CoordinationError('CONNECTIONLOSS', operations[0]!.path), []);
        else done(error, results);
      }),
  };
  for (const id of [0, 1, 2]) die(id);
  const life = await new BrokerLife(forgetful, 7).start();
  lives = [life];
  isLosing = true;
  const creation = { ...topicOf('t', 1), settings: new Map() };
  const first = (await life.create(creation)).get('t') as { errorCode: number };
  assert.equal(first.errorCode, ErrorCode.REQUEST_TIMED_OUT);
  isLosing = false;
  life.timers.advance(1_000);
  await until(() => life.controller.isActive);
  assert.equal(partition('t').leader, 7);
  const second = (await life.create(creation)).get('t') as { errorCode: number };
  assert.equal(second.errorCode, ErrorCode.TOPIC_ALREADY_EXISTS);
});

test('a broker that is about to stop leads nothing any more, but what nobody else has', async () => {
  await create('t', [0, 1], [1, 0]);
  await create('alone', [0]);
  const { brokerEpoch } = controller().state.brokers.get(0)!;
  const outcome = await new Promise((resolve) =>
    controller().controller.relieve({ brokerId: 0, brokerEpoch }, (...all) => resolve(all)),
  );
  assert.deepEqual(outcome, [0, []]);
  assert.deepEqual([partition('t', 0).leader, partition('t', 0).isr], [1, [1]]);
  assert.deepEqual([partition('t', 1).leader, partition('t', 1).isr], [1, [1]]);
  assert.equal(partition('alone').leader, 0, 'a partition without another replica stays to the end');
  const joining = await alter({ isr: [1, 0] }, 1);
  assert.equal(joining.outcomes[0]!.errorCode, ErrorCode.INELIGIBLE_REPLICA);
});

test('F40: now and then leaders go back to their preferred brokers, when those are in sync again', async () => {
  await create('t', [1, 0], [0, 1]);
  die(1);
  await until(() => partition('t').leader === 0);
  await comeBack(1);
  await until(() => controller().state.isLive(1));
  const tick = () => controller().timers.advance(BALANCE_INTERVAL_MS);
  tick();
  await alter({ isr: [0, 1] });
  assert.equal(partition('t').leader, 0, 'it was not in sync yet');
  tick();
  await until(() => partition('t').leader === 1);
  assert.deepEqual([partition('t').isr, partition('t', 1).leader], [[0, 1], 0]);
});

const reassign = (...moves: AskedMove[]) =>
  new Promise<readonly (TopicFault | null)[]>((resolve) => controller().controller.reassign(moves, resolve));

test('F69: a partition moves: new replicas are told to copy, then lead, then the old ones are deleted', async () => {
  await create('t', [0, 1]);
  assert.deepEqual(await reassign({ topic: 't', partition: 0, target: [2, 1] }), [null]);
  const told = controller().sent.get(2)!.at(-1)!.leadership[0]!;
  assert.deepEqual([told.replicas, told.addingReplicas, told.isNew], [[2, 1, 0], [2], true]);
  assert.equal(controller().sent.get(1)!.at(-1)!.leadership[0]!.isNew, false);
  await alter({ isr: [0, 1, 2] });
  assert.deepEqual([partition('t').replicas, partition('t').leader, partition('t').isr], [[2, 1], 2, [1, 2]]);
  assert.deepEqual(controller().sent.get(0)!.at(-1)!.stops, [
    { topic: 't', partition: 0, leaderEpoch: partition('t').leaderEpoch, deleteLog: true },
  ]);
});

test('F61, F66: what all are told of a partition that moves is what the tree holds, and the topic keeps its id', async () => {
  await create('t', [0, 1]);
  const { topicId } = controller().state.topic('t')!;
  const session = new PromisedSession(tree.connect());
  const inTree = async (path: string) => JSON.parse((await session.read(path)).data!.toString()) as object;
  const asserted = async () => {
    const state = await inTree('/brokers/topics/t/partitions/0/state');
    for (const id of [0, 1, 2]) {
      const told = controller()
        .sent.get(id)!
        .flatMap(({ metadata }) => metadata ?? [])
        .at(-1)!;
      assert.deepEqual(state, {
        ...state,
        leader: told.leader,
        leader_epoch: told.leaderEpoch,
        isr: told.isr,
      });
    }
    assert.equal(((await inTree('/brokers/topics/t')) as { topic_id: string }).topic_id, topicId);
  };
  await reassign({ topic: 't', partition: 0, target: [2, 1] });
  await asserted();
  await alter({ isr: [0, 1, 2] });
  await asserted();
  await controller().grow('t', 2);
  assert.equal(((await inTree('/brokers/topics/t')) as { topic_id: string }).topic_id, topicId);
});

test('what one request moves is judged partition by partition, and what is possible is done', async () => {
  await create('t', [0, 1], [0, 1], [0, 1]);
  await create('u', [0, 1]);
  const faults = await reassign(
    { topic: 't', partition: 0, target: [2, 1] },
    { topic: 'u', partition: 0, target: [1, 0] },
    { topic: 't', partition: 1, target: [0, 9] },
    { topic: 't', partition: 2, target: null },
    { topic: 't', partition: 3, target: [0] },
    { topic: 'nowhere', partition: 0, target: [0] },
  );
  assert.deepEqual(
    faults.map((fault) => fault?.errorCode ?? 0),
    [
      ...[0, 0],
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ],
  );
  assert.deepEqual(
    [partition('t', 0).replicas, partition('t', 1).replicas, partition('u').replicas],
    [
      [2, 1, 0],
      [0, 1],
      [1, 0],
    ],
  );
});

test('where a write of what moves fails, its partitions are told so, and those that were written before are not', async () => {
  await create('t', ...Array.from({ length: 250 }, () => [0, 1]));
  const meddler = new PromisedSession(tree.connect());
  await meddler.set('/brokers/topics/t/partitions/220/state', 'not the state that the controller knows');
  const faults = await reassign(
    ...Array.from({ length: 250 }, (_, index) => ({ topic: 't', partition: index, target: [2, 1] })),
  );
  assert.deepEqual(
    faults.map((fault) => fault === null),
    faults.map((_, index) => index < 200),
  );
});

test('many partitions of one topic that move arrive together, within the same term', async () => {
  const count = 450;
  await create('t', ...Array.from({ length: count }, () => [0, 1]));
  const indexes = Array.from({ length: count }, (_, index) => index);
  const { nodeVersion } = controller().state.topic('t')!;
  const faults = await reassign(
    ...indexes.map((index) => ({ topic: 't', partition: index, target: [2, 1] })),
  );
  const writes = controller().state.topic('t')!.nodeVersion - nodeVersion;
  assert.equal(writes, 3, 'their node is written once for each 200 of them');
  assert.deepEqual(new Set(faults), new Set([null]));
  const { brokerEpoch } = controller().state.brokers.get(0)!;
  const proposals = indexes.map((index): PartitionProposal => {
    const { leaderEpoch, partitionEpoch } = partition('t', index);
    return {
      topic: 't',
      partition: index,
      leaderEpoch,
      partitionEpoch,
      isr: [0, 1, 2],
      isRecovering: false,
    };
  });
  await new Promise<void>((resolve) =>
    controller().controller.alterPartitions({ brokerId: 0, brokerEpoch }, proposals, () => resolve()),
  );
  assert.ok(controller() !== undefined, 'no term was given up');
  for (const index of indexes) {
    assert.deepEqual([partition('t', index).replicas, partition('t', index).leader], [[2, 1], 2]);
  }
  const stops = controller()
    .sent.get(0)!
    .flatMap((batch) => batch.stops);
  assert.equal(stops.length, count);
});

test('a replica on a disk that failed neither leads nor is in sync, until its broker has a new life', async () => {
  controller().answers.set(1, {
    leadershipErrors: [{ topic: 't', partition: 0, errorCode: ErrorCode.KAFKA_STORAGE_ERROR }],
    stopErrors: [],
  });
  await create('t', [1, 2]);
  await until(() => partition('t').leader === 2);
  assert.deepEqual(partition('t').isr, [2]);
});

test('what the tree says differently from what is known makes the controller read it anew', async () => {
  await create('t', [0, 1]);
  const session = new PromisedSession(tree.connect());
  const path = '/brokers/topics/t/partitions/0/state';
  await session.set(path, '{"version":1,"leader":1,"leader_epoch":4,"controller_epoch":1,"isr":[1,0]}');
  const { outcomes } = await alter({ isr: [0] });
  assert.equal(outcomes[0]!.errorCode, ErrorCode.NOT_CONTROLLER);
  for (const { timers } of lives) timers.advance(1_000);
  await until(() => controller() !== undefined);
  assert.deepEqual([partition('t').leader, partition('t').leaderEpoch], [1, 4]);
});
