import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { EmbeddedTree } from '../../../broker/src/adapters/embedded-coordination/embedded-tree.ts';
import { PromisedSession } from '../coordination/promised-session.ts';
import { BrokerLife, newTree, topicOf, until } from './controller-world.ts';

const MOVES = '/admin/reassign_partitions';
const ELECTIONS = '/admin/preferred_replica_election';

let tree: EmbeddedTree;
let lives: BrokerLife[];
let tool: PromisedSession;

beforeEach(async () => {
  tree = newTree();
  lives = [];
  for (const nodeId of [0, 1, 2]) lives.push(await new BrokerLife(tree.connect(), nodeId).start());
  await until(() => lives[0]!.state.brokers.size === 3);
  tool = new PromisedSession(tree.connect());
});
afterEach(() => tree.close());

const controller = (): BrokerLife => lives.find(({ controller: { isActive } }) => isActive)!;
const partition = (topic: string) => controller().state.topic(topic)!.partitions[0]!;
const requested = (...partitions: object[]) => JSON.stringify({ version: 1, partitions });

async function make(name: string, replicas: number[]): Promise<void> {
  await controller().create({ ...topicOf(name), assignments: [{ partition: 0, replicas }] });
}

async function isGone(path: string): Promise<void> {
  while ((await tool.stat(path)) !== null);
}

/** The leader tells who is in sync. */
function setInSync(topic: string, isr: readonly number[]): Promise<unknown> {
  const { leader, leaderEpoch, partitionEpoch } = partition(topic);
  const { brokerEpoch } = controller().state.brokers.get(leader)!;
  const proposal = { topic, partition: 0, leaderEpoch, partitionEpoch, isr, isRecovering: false };
  return new Promise((resolve) =>
    controller().controller.alterPartitions({ brokerId: leader, brokerEpoch }, [proposal], resolve),
  );
}

test('a node that asks for moves loses what is done or cannot be, and goes with the last', async () => {
  await make('t', [0, 1]);
  await make('u', [0, 1]);
  const moves = [
    { topic: 't', partition: 0, replicas: [2, 1] },
    { topic: 'u', partition: 0, replicas: [2, 0] },
  ];
  const impossible = [
    { topic: 't', partition: 7, replicas: [1] },
    { topic: 'u', partition: 0, replicas: [99] },
  ];
  await tool.create(MOVES, requested(...impossible, ...moves));
  await until(() => partition('u').addingReplicas.length > 0);
  while ((await tool.read(MOVES)).data!.toString() !== requested(...moves));
  await setInSync('t', [0, 1, 2]);
  assert.deepEqual(partition('t').replicas, [2, 1]);
  assert.equal((await tool.read(MOVES)).data!.toString(), requested(moves[1]!));
  await setInSync('u', [0, 1, 2]);
  await isGone(MOVES);
  assert.deepEqual(partition('u').replicas, [2, 0]);
});

test('F59: a request wins over what a node has asked for before, and the node goes', async () => {
  await make('t', [0, 1]);
  await tool.create(MOVES, requested({ topic: 't', partition: 0, replicas: [2, 1] }));
  await until(() => partition('t').addingReplicas.length > 0);
  await new Promise((resolve) =>
    controller().controller.reassign([{ topic: 't', partition: 0, target: [0, 2] }], resolve),
  );
  assert.equal(await tool.stat(MOVES), null);
  tree.expireSession(controller().session.sessionId);
  await until(() => lives.slice(1).some((life) => life.controller.isActive));
  await controller().create();
  const node = JSON.parse((await tool.read('/brokers/topics/t')).data!.toString()) as object;
  assert.deepEqual(node, { ...node, partitions: { 0: partition('t').replicas } });
  assert.deepEqual(partition('t').removingReplicas, [1]);
});

test('F59: moves that a node asks for go on under the next controller', async () => {
  await make('t', [1, 2]);
  const move = { topic: 't', partition: 0, replicas: [2] };
  await make('v', [1]);
  await tool.create(MOVES, requested(move, { topic: 'v', partition: 0, replicas: [2] }));
  await until(() => partition('v').addingReplicas.length > 0);
  tree.expireSession(controller().session.sessionId);
  await until(() => lives.slice(1).some((life) => life.controller.isActive));
  await controller().create();
  await setInSync('v', [1, 2]);
  await isGone(MOVES);
  assert.deepEqual([partition('t').replicas, partition('v').replicas], [[2], [2]]);
});

test('a node that asks for elections goes once they are tried', async () => {
  await make('t', [0, 1]);
  await new Promise((resolve) =>
    controller().controller.reassign([{ topic: 't', partition: 0, target: [1, 0] }], resolve),
  );
  assert.equal(partition('t').leader, 0);
  await tool.create(ELECTIONS, requested({ topic: 't', partition: 0 }, { topic: 'nowhere', partition: 0 }));
  await isGone(ELECTIONS);
  assert.equal(partition('t').leader, 1);
});

test('a node that cannot be read goes, and nothing else happens', async () => {
  await make('t', [0, 1]);
  for (const [path, data] of [
    [MOVES, 'nonsense'],
    [ELECTIONS, '{"partitions":[1]}'],
    [MOVES, '{"version":1}'],
  ] as const) {
    await tool.create(path, data);
    await isGone(path);
  }
  assert.deepEqual([partition('t').replicas, controller().controller.isActive], [[0, 1], true]);
});
