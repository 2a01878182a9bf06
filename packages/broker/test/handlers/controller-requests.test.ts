import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { alterPartitionApi } from '@odradek/protocol/generated/apis/alter-partition.ts';
import { controlledShutdownApi } from '@odradek/protocol/generated/apis/controlled-shutdown.ts';
import { alterPartitionHandler } from '../../src/handlers/alter-partition.ts';
import { controlledShutdownHandler } from '../../src/handlers/controlled-shutdown.ts';
import { assertCode, TopicWorld, versionsOf } from '../topics/topic-world.ts';

let world: TopicWorld;
let topicId: string;

/** Brokers 0 (the controller), 1 and 2 hold topic t, led by 1. */
beforeEach(async () => {
  world = await TopicWorld.start({ others: [{ nodeId: 1 }, { nodeId: 2 }] });
  const creation = {
    name: 't',
    partitionCount: -1,
    replicationFactor: -1,
    assignments: [{ partition: 0, replicas: [1, 2, 0] }],
    settings: new Map<string, string>(),
  };
  const outcome = (await world.topics.createTopics([creation], false)).get('t')!;
  assert.ok('topicId' in outcome, JSON.stringify(outcome));
  ({ topicId } = outcome);
});
afterEach(() => world.stop());

const brokerEpoch = (nodeId: number) => world.metadata.brokerEpoch(nodeId)!;
const state = () => world.state.topic('t')!.partitions[0]!;

interface Asked {
  readonly isr?: number[];
  readonly topic?: { topicName?: string; topicId?: string };
  readonly epoch?: number;
}

function alter(version: number, { isr = [1, 2], topic, epoch = brokerEpoch(1) }: Asked) {
  const name = topic ?? (version < 2 ? { topicName: 't' } : { topicId });
  const { leaderEpoch, partitionEpoch } = state();
  const members =
    version < 3
      ? { newIsr: isr }
      : { newIsrWithEpochs: isr.map((brokerId) => ({ brokerId, brokerEpoch: -1 })) };
  return world.ask(alterPartitionApi, alterPartitionHandler, version, {
    brokerId: 1,
    brokerEpoch: epoch,
    topics: [{ ...name, partitions: [{ partitionIndex: 0, leaderEpoch, partitionEpoch, ...members }] }],
  });
}

test('a leader is told the state that its wish became, in every version', async () => {
  for (const version of versionsOf(alterPartitionHandler)) {
    const isr = version % 2 === 0 ? [1, 2] : [1, 2, 0];
    const [topic] = (await alter(version, { isr })).topics;
    assert.equal(version < 2 ? topic!.topicName : topic!.topicId, version < 2 ? 't' : topicId);
    const [partition] = topic!.partitions;
    assert.deepEqual([partition!.errorCode, partition!.leaderId, partition!.isr], [0, 1, isr], `v${version}`);
    assert.equal(partition!.partitionEpoch, state().partitionEpoch);
  }
});

test('a broker of an earlier life is refused as a whole, an unknown topic alone', async () => {
  assertCode((await alter(3, { epoch: brokerEpoch(1) - 1 })).errorCode, 'STALE_BROKER_EPOCH');
  const [topic] = (await alter(3, { topic: { topicId: 'zzzzzzzzzzzzzzzzzzzzzw' } })).topics;
  assertCode(topic!.partitions[0]!.errorCode, 'UNKNOWN_TOPIC_ID');
});

test('old leaders do not know the error for a replica that may not join', async () => {
  await alter(3, { isr: [1, 0] });
  world.state.brokers.delete(2);
  const codeIn = async (version: number) =>
    (await alter(version, { isr: [1, 0, 2] })).topics[0]!.partitions[0]!.errorCode;
  assertCode(await codeIn(1), 'OPERATION_NOT_ATTEMPTED');
  assertCode(await codeIn(2), 'INELIGIBLE_REPLICA');
});

test('a broker that is about to stop hands its partitions over, and is told what it must keep', async () => {
  for (const version of versionsOf(controlledShutdownHandler)) {
    const epoch = version < 2 ? {} : { brokerEpoch: brokerEpoch(1) };
    const answer = await world.ask(controlledShutdownApi, controlledShutdownHandler, version, {
      brokerId: 1,
      ...epoch,
    });
    assert.deepEqual([answer.errorCode, answer.remainingPartitions], [0, []], `v${version}`);
  }
  assert.deepEqual([state().leader, state().isr], [2, [2, 0]]);
  await world.ask(controlledShutdownApi, controlledShutdownHandler, 3, {
    brokerId: 2,
    brokerEpoch: brokerEpoch(2),
  });
  const last = await world.ask(controlledShutdownApi, controlledShutdownHandler, 3, {
    brokerId: 0,
    brokerEpoch: brokerEpoch(0),
  });
  assert.deepEqual(
    last.remainingPartitions.map(({ topicName, partitionIndex }) => [topicName, partitionIndex]),
    [['t', 0]],
  );
});

test('an earlier life of a broker, or one that is not there, is not relieved', async () => {
  const ask = (brokerId: number, epoch: number) =>
    world.ask(controlledShutdownApi, controlledShutdownHandler, 3, { brokerId, brokerEpoch: epoch });
  assertCode((await ask(1, brokerEpoch(1) - 1)).errorCode, 'STALE_BROKER_EPOCH');
  assertCode((await ask(9, 1)).errorCode, 'BROKER_NOT_AVAILABLE');
});
