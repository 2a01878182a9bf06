import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { EmbeddedTree } from '../../../broker/src/adapters/embedded-coordination/embedded-tree.ts';
import { PromisedSession } from '../coordination/promised-session.ts';
import { BrokerLife, newTree, topicOf, until } from './controller-world.ts';

const NOTICES = '/isr_change_notification';

let tree: EmbeddedTree;
let lives: BrokerLife[];
/** A broker of Apache Kafka with the protocol of before 2.7 between brokers. */
let old: PromisedSession;

beforeEach(async () => {
  tree = newTree();
  lives = [];
  for (const nodeId of [0, 1, 2]) lives.push(await new BrokerLife(tree.connect(), nodeId).start());
  await until(() => lives[0]!.state.brokers.size === 3);
  old = new PromisedSession(tree.connect());
});
afterEach(() => tree.close());

const controller = (): BrokerLife => lives.find(({ controller: { isActive } }) => isActive)!;
const partition = (topic: string, index = 0) => controller().state.topic(topic)!.partitions[index]!;

async function make(name: string, ...assignments: number[][]): Promise<void> {
  const byPartition = assignments.map((replicas, index) => ({ partition: index, replicas }));
  await controller().create({ ...topicOf(name), assignments: byPartition });
}

/** The leader writes the state itself, as ReplicationUtils of Apache Kafka does. */
async function write(topic: string, index: number, isr: readonly number[]): Promise<void> {
  const { leader, leaderEpoch, controllerEpoch, partitionEpoch } = partition(topic, index);
  const state = { version: 1, leader, leader_epoch: leaderEpoch, controller_epoch: controllerEpoch, isr };
  await old.set(`/brokers/topics/${topic}/partitions/${index}/state`, JSON.stringify(state), partitionEpoch);
}

async function notify(...partitions: readonly { topic: string; partition: number }[]): Promise<void> {
  const data = JSON.stringify({ version: 1, partitions });
  await old.create(`${NOTICES}/isr_change_`, data, 'persistent-sequential');
}

async function noticesGone(): Promise<void> {
  while ((await old.children(NOTICES)).length > 0);
}

test('an in-sync set that a leader has written itself is taken over, and told to all, at its notice', async () => {
  await make('t', [0, 1, 2], [1, 2, 0]);
  await write('t', 0, [0, 2]);
  assert.deepEqual(partition('t').isr, [0, 1, 2], 'without a notice nobody looks');
  const before = controller().sent.get(1)!.length;
  await notify({ topic: 't', partition: 0 }, { topic: 't', partition: 1 });
  await noticesGone();
  assert.deepEqual([partition('t').isr, partition('t').partitionEpoch], [[0, 2], 1]);
  const told = controller().sent.get(1)!.slice(before);
  assert.deepEqual(
    told.map(({ leadership, metadata }) => [
      leadership,
      metadata!.map((notice) => [notice.partition, notice.isr]),
    ]),
    [[[], [[0, [0, 2]]]]],
    'what has not changed is not told',
  );
});

test('what the controller decides next stands on the state that the leader has written', async () => {
  await make('t', [0, 1, 2]);
  await write('t', 0, [0, 2]);
  await notify({ topic: 't', partition: 0 });
  await noticesGone();
  const { controller: inOffice } = controller();
  tree.expireSession(lives[2]!.session.sessionId);
  await until(() => partition('t').isr.length === 1);
  assert.deepEqual([partition('t').isr, partition('t').partitionEpoch], [[0], 2]);
  assert.equal(controller().controller, inOffice, 'nothing had to be read anew');
});

test('a reassignment ends when the leader has written that the new replica is in sync', async () => {
  await make('t', [0, 1]);
  await new Promise((resolve) =>
    controller().controller.reassign([{ topic: 't', partition: 0, target: [0, 2] }], resolve),
  );
  assert.deepEqual(partition('t').addingReplicas, [2]);
  await write('t', 0, [0, 1, 2]);
  await notify({ topic: 't', partition: 0 });
  await noticesGone();
  assert.deepEqual(
    [partition('t').replicas, partition('t').isr],
    [
      [0, 2],
      [0, 2],
    ],
  );
});

test('notices of what is not there, and such as cannot be read, go without a trace', async () => {
  await make('t', [0, 1]);
  await notify({ topic: 'nowhere', partition: 0 }, { topic: 't', partition: 7 });
  await old.create(`${NOTICES}/isr_change_`, 'nonsense', 'persistent-sequential');
  await old.set('/brokers/topics/t/partitions/0/state', 'nonsense');
  await notify({ topic: 't', partition: 0 });
  await noticesGone();
  assert.deepEqual([partition('t').isr, controller().controller.isActive], [[0, 1], true]);
});
