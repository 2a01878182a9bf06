import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerConfigError, loadBrokerConfig } from '@odradek/broker/config/load-broker-config.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { EmbeddedCluster } from './embedded-cluster.ts';

const RACK_AWARE = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';
const VERSION = 12;

/** Three brokers, each in a rack of its name; `t` is led by 1 and lies on all. */
async function racks(t: Parameters<typeof EmbeddedCluster.start>[0]): Promise<EmbeddedCluster> {
  const cluster = await EmbeddedCluster.start(t, [1, 2, 3], (id) => ({
    'broker.rack': `rack-${id}`,
    'replica.selector.class': RACK_AWARE,
    // A follower that hears of a commit by the next fetch alone hears too late for this test.
    'replica.fetch.wait.max.ms': '20000',
    'replica.lag.time.max.ms': '60000',
  }));
  await cluster.createTopic('t', [[1, 2, 3]]);
  await cluster.partition(3, 't', 0, ({ isr }) => isr.length === 3);
  return cluster;
}

async function fetchFrom(cluster: EmbeddedCluster, broker: number, rackId: string, fetchOffset: number) {
  const answer = await cluster.client(broker).request(fetchApi, VERSION, {
    maxWaitMs: 10_000,
    minBytes: 1,
    sessionEpoch: -1,
    isolationLevel: 1,
    topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1e6 }] }],
    forgottenTopicsData: [],
    rackId,
  });
  const [told] = answer.responses[0]!.partitions;
  return {
    errorCode: told!.errorCode,
    preferred: told!.preferredReadReplica,
    sizeBytes: told!.records?.length ?? 0,
    highWatermark: told!.highWatermark,
  };
}

test('a consumer is sent to its rack and reads there what is committed, as soon as it is', async (t) => {
  const cluster = await racks(t);
  await cluster.produce('t', 0, 'first');
  for (const id of [2, 3]) {
    const sent = await fetchFrom(cluster, 1, `rack-${id}`, 0);
    assert.deepEqual([sent.errorCode, sent.preferred, sent.sizeBytes], [0, id, 0]);
    const served = await fetchFrom(cluster, id, `rack-${id}`, 0);
    assert.deepEqual([served.errorCode, served.preferred, served.highWatermark], [0, -1, 1]);
    assert.ok(served.sizeBytes > 0);
  }
  const waiting = fetchFrom(cluster, 3, 'rack-3', 1);
  await cluster.produce('t', 0, 'second');
  const served = await waiting;
  assert.deepEqual([served.errorCode, served.highWatermark], [0, 2]);
  const near = await fetchFrom(cluster, 1, 'rack-1', 0);
  assert.deepEqual([near.preferred, near.sizeBytes > 0], [-1, true], 'the leader is in its rack');
  const beyond = await fetchFrom(cluster, 3, 'rack-3', 99);
  assert.equal(beyond.errorCode, ErrorCode.OFFSET_OUT_OF_RANGE);
});

test('of offsets only the leader tells, but to a debugging consumer', async (t) => {
  const cluster = await racks(t);
  await cluster.produce('t', 0, 'first');
  const ask = async (broker: number, replicaId: number) => {
    const { topics } = await cluster.client(broker).request(listOffsetsApi, 6, {
      replicaId,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    });
    const [told] = topics[0]!.partitions;
    return [told!.errorCode, told!.offset];
  };
  assert.deepEqual(await ask(1, -1), [0, 1]);
  assert.deepEqual(await ask(2, -1), [ErrorCode.NOT_LEADER_OR_FOLLOWER, -1]);
  assert.deepEqual(await ask(2, -2), [0, 1]);
});

test('another selector than Kafka’s own is refused at the start, with those that there are', () => {
  assert.throws(
    () => loadBrokerConfig({ 'replica.selector.class': 'com.example.Nearest' }),
    (error: BrokerConfigError) =>
      /com\.example\.Nearest for configuration replica\.selector\.class.*RackAwareReplicaSelector/.test(
        error.message,
      ),
  );
});
