import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerBatch, PartitionNotice } from '@odradek/core/controller/broker-channels.ts';
import type { PeerRequest } from '@odradek/core/ports/peers.ts';
import { updateMetadataApi } from '@odradek/protocol/generated/apis/update-metadata.ts';
import type { UpdateMetadataRequestInput } from '@odradek/protocol/generated/update-metadata-request.ts';
import { silentLog } from '../../src/adapters/silent-log.ts';
import { ControllerChannels } from '../../src/cluster/controller-channels.ts';

const IDS = [1, 2, 3];
const OWN_ID = 0;

/** What each broker was sent, by its id, in the order of the sending; every request is answered at once. */
function channelsTo(live = IDS) {
  const sent: { brokerId: number; request: PeerRequest<unknown, unknown> }[] = [];
  const due: (() => void)[] = [];
  const endpoints = [
    { listenerName: 'P', securityProtocol: 'PLAINTEXT' as const, host: 'localhost', port: 9 },
  ];
  const brokers = live.map((brokerId) => ({
    brokerId,
    endpoints,
    rack: null,
    jmxPort: -1,
    timestampMs: 1,
    brokerEpoch: 7,
  }));
  const channels = new ControllerChannels({
    nodeId: OWN_ID,
    orders: { judge: () => 0, lead: () => [][Symbol.iterator]() as never, stop: () => [] },
    orderWork: { run: () => assert.fail('nothing is for this broker itself') },
    brokerEpoch: () => 1,
    peers: {
      link: (brokerId) => ({
        request: (request, done) => {
          sent.push({ brokerId, request: request as PeerRequest<unknown, unknown> });
          const body = { errorCode: 0, partitionErrors: [], topics: [] };
          queueMicrotask(() => done(null, { version: 8, body: body as never }));
        },
        close: () => {},
      }),
    },
    timers: {
      after: (_, fire) => {
        due.push(fire);
        return { cancel: () => {} };
      },
    },
    log: silentLog,
    liveBrokers: () => brokers,
    timeoutMs: () => 1000,
  });
  for (const broker of brokers) channels.open(broker);
  return { channels, sent, due, told: () => sent.map(({ brokerId }) => brokerId) };
}

function metadataOf(partitions: number): BrokerBatch {
  const metadata = Array.from({ length: partitions }, (_, partition): PartitionNotice => ({
    topic: 't',
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    partition,
    leader: 1,
    leaderEpoch: 0,
    isr: [1, 9],
    replicas: [1, 9],
    partitionEpoch: 0,
    controllerEpoch: 1,
    addingReplicas: [],
    removingReplicas: [],
    isRecovering: false,
    isNew: false,
  }));
  return { controllerEpoch: 1, leadership: [], isComplete: false, metadata, stops: [] };
}

test('what is about many partitions goes to one broker in each turn of the loop, what is small at once', () => {
  const { channels, due, told } = channelsTo();
  const large = metadataOf(1000);
  for (const id of IDS) channels.send(id, large, () => {});
  assert.deepEqual(told(), []);
  assert.equal(due.length, 1);
  due.shift()!();
  assert.deepEqual(told(), [1]);
  due.shift()!();
  assert.deepEqual(told(), [1, 2]);

  const small = channelsTo();
  for (const id of IDS) small.channels.send(id, metadataOf(999), () => {});
  assert.deepEqual([small.told(), small.due.length], [IDS, 0]);
});

test('a broker that went away before its turn is not told, and those behind it are', () => {
  const { channels, due, told } = channelsTo();
  const large = metadataOf(1000);
  for (const id of IDS) channels.send(id, large, () => {});
  channels.close(1);
  while (due.length > 0) due.shift()!();
  assert.deepEqual(told(), [2, 3]);
});

test('all brokers are told the same of one batch, and anew when other brokers are alive', () => {
  const batch = metadataOf(2);
  const offlineOf = (live: readonly number[]) => {
    const { channels, sent } = channelsTo([...live]);
    for (const id of live) channels.send(id, batch, () => {});
    return sent.map(({ request }) => {
      const message = request.build(updateMetadataApi.versionMax) as UpdateMetadataRequestInput;
      return message.topicStates![0]!.partitionStates.map(({ offlineReplicas }) => offlineReplicas);
    });
  };
  assert.deepEqual(offlineOf([1, 2]), [
    [[9], [9]],
    [[9], [9]],
  ]);
  assert.deepEqual(offlineOf([1, 9]), [
    [[], []],
    [[], []],
  ]);
});
