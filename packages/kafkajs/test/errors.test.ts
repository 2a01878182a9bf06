import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthenticationError, ConnectionError } from '@odradek/client/index.ts';
import { startBroker, type TestBroker } from '@odradek/testing';
import { toKafkaJSError } from '../src/error-translation.ts';
import {
  Kafka,
  KafkaJSConnectionError,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSOffsetOutOfRange,
  KafkaJSSASLAuthenticationError,
  logLevel,
} from '../src/index.ts';

let broker: TestBroker;

before(async () => {
  broker = await startBroker();
});

after(() => broker.close());

test('errors keep what they were caused by', () => {
  const cause = new Error('why');
  assert.equal(new KafkaJSNonRetriableError('what', { cause }).cause, cause);
  assert.equal(new KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 1, retryTime: 1 }).cause, cause);
  const lost = new ConnectionError('cut');
  const refused = new AuthenticationError('who are you');
  const [connection, authentication] = [lost, refused].map(toKafkaJSError);
  assert.ok(connection instanceof KafkaJSConnectionError && connection.cause === lost);
  assert.ok(authentication instanceof KafkaJSSASLAuthenticationError && authentication.cause === refused);
  assert.equal('cause' in new KafkaJSNonRetriableError('of itself'), false);
});

test('records that cannot be deleted are named, partition by partition, in the cause; the others are deleted', async () => {
  const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  const topic = 'deleted-in-part';
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
  await producer.send({ topic, messages: [0, 0, 1, 1].map((partition) => ({ partition, value: 'v' })) });
  const partitions = [
    { partition: 0, offset: '1' },
    { partition: 1, offset: '99' },
  ];
  await assert.rejects(admin.deleteTopicRecords({ topic, partitions }), (error: unknown) => {
    assert.ok(error instanceof KafkaJSNonRetriableError);
    const { cause } = error;
    assert.ok(cause instanceof KafkaJSDeleteTopicRecordsError && !cause.retriable);
    const [refused, ...others] = cause.partitions;
    assert.deepEqual([refused!.partition, refused!.offset, others], [1, '99', []]);
    assert.ok(refused!.error instanceof KafkaJSOffsetOutOfRange && refused!.error.partition === 1);
    return true;
  });
  const offsets = await admin.fetchTopicOffsets(topic);
  assert.deepEqual(offsets.map(({ partition, low }) => [partition, low]).toSorted(), [
    [0, '1'],
    [1, '0'],
  ]);
  await Promise.all([admin.disconnect(), producer.disconnect()]);
});
