import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startBroker } from '@odradek/broker';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { leaderAndIsrApi } from '@odradek/protocol/generated/apis/leader-and-isr.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { stopReplicaApi } from '@odradek/protocol/generated/apis/stop-replica.ts';
import { updateMetadataApi } from '@odradek/protocol/generated/apis/update-metadata.ts';
import { batchOf, connectTo, produce } from '../serving/with-broker.ts';
import type { RawClient } from '../serving/raw-client.ts';

const TOPIC_ID = 'abcdefghijklmnopqrstuQ';
const OTHER_ID = 'bbcdefghijklmnopqrstuQ';
const CONTROLLER = { controllerId: 9, controllerEpoch: 5 };
const NODE = 0;

/** A broker that has been told nothing yet by broker 9, and a connection from there. */
async function orders(t: TestContext): Promise<Orders> {
  // Its controller is nobody who could be asked to take over from it at the end.
  const broker = await startBroker({ port: 0, overrides: { 'controlled.shutdown.enable': 'false' } });
  t.after(() => broker.close());
  assert.equal(broker.nodeId, NODE);
  return new Orders(await connectTo(t, broker));
}

interface Leading {
  readonly topic?: string;
  readonly topicId?: string;
  readonly partition?: number;
  readonly leader?: number;
  readonly leaderEpoch?: number;
}

class Orders {
  readonly client: RawClient;

  constructor(client: RawClient) {
    this.client = client;
  }

  /** @returns the codes: of the whole, and of each partition */
  async lead(leadings: readonly Leading[], whole: object = {}, version = 7): Promise<number[]> {
    const states = leadings.map((leading) => ({
      topicName: leading.topic ?? 't',
      partitionIndex: leading.partition ?? 0,
      controllerEpoch: 5,
      leader: leading.leader ?? NODE,
      leaderEpoch: leading.leaderEpoch ?? 3,
      isr: [NODE],
      partitionEpoch: 4,
      replicas: [NODE, 2],
      ...(version >= 1 ? { isNew: true } : {}),
      ...(version >= 3 ? { addingReplicas: [], removingReplicas: [] } : {}),
    }));
    const topicStates = leadings.map((leading, i) => ({
      topicName: leading.topic ?? 't',
      ...(version >= 5 ? { topicId: leading.topicId ?? TOPIC_ID } : {}),
      partitionStates: [states[i]!],
    }));
    const answer = await this.client.request(leaderAndIsrApi, version, {
      ...CONTROLLER,
      ...(version >= 2 ? { topicStates } : { ungroupedPartitionStates: states }),
      liveLeaders: [],
      ...whole,
    });
    const errors = [...answer.partitionErrors, ...answer.topics.flatMap((topic) => topic.partitionErrors)];
    return [answer.errorCode, ...errors.map(({ errorCode }) => errorCode)];
  }

  async stop(leaderEpoch: number, deletePartition: boolean, whole: object = {}): Promise<number[]> {
    const partitionStates = [{ partitionIndex: 0, leaderEpoch, deletePartition }];
    const answer = await this.client.request(stopReplicaApi, 4, {
      ...CONTROLLER,
      topicStates: [{ topicName: 't', partitionStates }],
      ...whole,
    });
    return [answer.errorCode, ...answer.partitionErrors.map(({ errorCode }) => errorCode)];
  }

  async update(topics: Record<string, Record<number, number>>, whole: object = {}): Promise<number> {
    const { errorCode } = await this.client.request(updateMetadataApi, 8, {
      ...CONTROLLER,
      topicStates: Object.entries(topics).map(([topicName, leaders]) => ({
        topicName,
        topicId: TOPIC_ID,
        partitionStates: Object.entries(leaders).map(([index, leader]) => ({
          partitionIndex: Number(index),
          controllerEpoch: 5,
          leader,
          leaderEpoch: 3,
          isr: [NODE],
          zkVersion: 0,
          replicas: [NODE, 2],
        })),
      })),
      liveBrokers: [NODE, 9].map((id) => ({
        id,
        endpoints: [
          { port: 9000 + id, host: `127.0.0.${id + 1}`, listener: 'PLAINTEXT', securityProtocol: 0 },
        ],
        rack: `rack${id}`,
      })),
      ...whole,
    });
    return errorCode;
  }

  /** Leaders by partition of each topic that clients are told of. */
  async told(): Promise<Record<string, (number | undefined)[]>> {
    const { topics } = await this.client.request(metadataApi, 12, { topics: null });
    return Object.fromEntries(
      topics.map(({ name, partitions }) => [
        name,
        partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex).map(({ leaderId }) => leaderId),
      ]),
    );
  }

  async produces(partition = 0): Promise<number> {
    return (await produce(this.client, batchOf(['a']), { topic: 't', partition, acks: 1 })).errorCode;
  }
}

const { NONE, STALE_CONTROLLER_EPOCH, STALE_BROKER_EPOCH, INCONSISTENT_TOPIC_ID } = ErrorCode;
const { FENCED_LEADER_EPOCH, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER } = ErrorCode;

test('LeaderAndIsr makes a leader, and a follower again, in every version', async (t) => {
  for (let version = 0; version <= 7; version++) {
    const one = await orders(t);
    assert.equal(await one.produces(), UNKNOWN_TOPIC_OR_PARTITION);
    assert.deepEqual(await one.lead([{}], {}, version), [NONE, NONE], `v${version}`);
    assert.equal(await one.produces(), NONE);
    assert.deepEqual(await one.lead([{ leader: 2, leaderEpoch: 4 }], {}, version), [NONE, NONE]);
    assert.equal(await one.produces(), NOT_LEADER_OR_FOLLOWER);
  }
});

test('a partition that is held in a later or the same epoch, or under another id, stays as it is', async (t) => {
  const one = await orders(t);
  await one.lead([{}]);
  const again = [
    { leader: 2, leaderEpoch: 2 },
    { leader: 2 },
    { leader: 2, leaderEpoch: 9, topicId: OTHER_ID },
  ];
  for (const [i, code] of [STALE_CONTROLLER_EPOCH, STALE_CONTROLLER_EPOCH, INCONSISTENT_TOPIC_ID].entries()) {
    assert.deepEqual(await one.lead([again[i]!]), [NONE, code]);
  }
  assert.equal(await one.produces(), NONE);
});

test('F42: who is not the controller any more is not obeyed', async (t) => {
  const one = await orders(t);
  await one.lead([{}]);
  const old = { controllerEpoch: 4 };
  assert.deepEqual(await one.lead([{ leader: 2, leaderEpoch: 9 }], old), [
    STALE_CONTROLLER_EPOCH,
    STALE_CONTROLLER_EPOCH,
  ]);
  assert.deepEqual(await one.stop(9, true, old), [STALE_CONTROLLER_EPOCH]);
  assert.equal(await one.update({ u: { 0: NODE } }, old), STALE_CONTROLLER_EPOCH);
  assert.equal(await one.produces(), NONE);
  assert.deepEqual(await one.told(), {});
  assert.equal(await one.update({}, { controllerEpoch: 6 }), NONE);
  assert.deepEqual((await one.stop(9, true))[0], STALE_CONTROLLER_EPOCH, 'every order tells the epoch');
});

test('F44, F45: what was meant for an earlier life of the broker is refused, for a later one taken', async (t) => {
  const one = await orders(t);
  const earlier = { brokerEpoch: 0 };
  assert.deepEqual(await one.lead([{}], earlier), [STALE_BROKER_EPOCH, STALE_BROKER_EPOCH]);
  assert.deepEqual(await one.stop(9, true, earlier), [STALE_BROKER_EPOCH]);
  assert.equal(await one.update({}, earlier), STALE_BROKER_EPOCH);
  assert.deepEqual(await one.lead([{}], { brokerEpoch: 1_000_000 }), [NONE, NONE]);
});

test('a complete list ends what is not on it', async (t) => {
  const one = await orders(t);
  await one.lead([{}, { partition: 1 }]);
  await one.lead([{ leaderEpoch: 4 }], { type: 1 });
  assert.deepEqual([await one.produces(0), await one.produces(1)], [NONE, NONE]);
  await one.lead([{ leaderEpoch: 5 }], { type: 2 });
  assert.deepEqual([await one.produces(0), await one.produces(1)], [NONE, UNKNOWN_TOPIC_OR_PARTITION]);
});

test('F57, F58: StopReplica ends a replica of its epoch or an earlier one', async (t) => {
  const one = await orders(t);
  await one.lead([{}]);
  assert.deepEqual(await one.stop(2, true), [NONE, FENCED_LEADER_EPOCH]);
  assert.equal(await one.produces(), NONE);
  assert.deepEqual(await one.stop(3, false), [NONE, NONE]);
  assert.equal(await one.produces(), UNKNOWN_TOPIC_OR_PARTITION);
  await one.lead([{ leaderEpoch: 4 }]);
  const kept = await produce(one.client, batchOf(['b']), { topic: 't' });
  assert.equal(kept.baseOffset, 1);
});

test('the deletion of a topic takes the log, also where the replica has ended before', async (t) => {
  const one = await orders(t);
  await one.lead([{}]);
  await one.produces();
  assert.deepEqual(await one.stop(3, false), [NONE, NONE]);
  assert.deepEqual(await one.stop(-2, true), [NONE, NONE]);
  assert.deepEqual(await one.stop(-2, true), [NONE, NONE], 'an order may come twice');
  await one.lead([{ leaderEpoch: 0, topicId: OTHER_ID }]);
  const fresh = await produce(one.client, batchOf(['b']), { topic: 't' });
  assert.deepEqual([fresh.errorCode, fresh.baseOffset], [NONE, 0]);
});

test('UpdateMetadata is what clients are told, until a later word or the deletion', async (t) => {
  const one = await orders(t);
  await one.update({ t: { 0: NODE, 2: 9 }, u: { 0: 9 } });
  assert.deepEqual(await one.told(), { t: [NODE, -1, 9], u: [9] }, 'partition 1 has no state yet');
  const { brokers, controllerId } = await one.client.request(metadataApi, 12, { topics: [] });
  assert.deepEqual(
    brokers.map(({ nodeId, host, port, rack }) => [nodeId, host, port, rack]),
    [
      [NODE, '127.0.0.1', 9000, 'rack0'],
      [9, '127.0.0.10', 9009, 'rack9'],
    ],
  );
  assert.equal(controllerId, 9);
  await one.update({ t: { 1: 9 } });
  assert.deepEqual(await one.told(), { t: [NODE, 9, 9], u: [9] });
  await one.update({ u: { 0: -2 } });
  assert.deepEqual(await one.told(), { t: [NODE, 9, 9] });
  await one.update({ v: { 0: 9 } }, { type: 2 });
  assert.deepEqual(await one.told(), { v: [9] });
});
