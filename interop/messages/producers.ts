import { describeProducersApi } from '@odradek/protocol/generated/apis/describe-producers.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import type { Conversation } from '../wire/compare-with-kafka.ts';
import { batch } from './world.ts';

const NAMES_MAX = 12;

const ids: Conversation = async (t) => {
  for (const version of t.versionsOf(initProducerIdApi)) {
    const ask = (label: string, changes: object) =>
      t.ask(label, initProducerIdApi, version, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
        ...changes,
      });
    await ask('idempotent', {});
    await ask('no timeout', { transactionTimeoutMs: 0 });
    await ask('a negative timeout', { transactionTimeoutMs: -1 });
    await ask('a huge timeout', { transactionTimeoutMs: 0x7fffffff });
    await ask('an empty transactional id', { transactionalId: '' });
    if (version >= 3) {
      await ask('an id and an epoch', { producerId: 1000, producerEpoch: 3 });
      await ask('an id without an epoch', { producerId: 1000 });
      await ask('an epoch without an id', { producerEpoch: 3 });
      await ask('a negative id', { producerId: -5, producerEpoch: 3 });
    }
  }
};

const descriptions: Conversation = async (t) => {
  const version = Math.min(t.newest(produceApi), NAMES_MAX);
  for (const [producerId, baseSequence] of [
    [500, 0],
    [501, 7],
    [500, 2],
  ] as const) {
    const records = batch({ count: 2, producerId, producerEpoch: 1, baseSequence });
    const topicData = [{ name: 'compacted', partitionData: [{ index: 1, records }] }];
    await t.ask('produce', produceApi, version, { acks: -1, timeoutMs: 5000, topicData });
  }
  for (const version of t.versionsOf(describeProducersApi)) {
    const ask = (label: string, name: string, ...partitionIndexes: number[]) =>
      t.ask(label, describeProducersApi, version, { topics: [{ name, partitionIndexes }] });
    await ask('two producers', 'compacted', 1);
    await ask('none', 'read', 0);
    await ask('several', 'compacted', 0, 1, 9, -1);
    await ask('an unknown topic', 'absent', 0);
    await ask('a topic of a bad name', 'no such/name', 0);
    await ask('no partitions', 'compacted');
    await t.ask('no topics', describeProducersApi, version, { topics: [] });
  }
};

export const producerConversations: Readonly<Record<string, Conversation>> = {
  'producer ids': ids,
  'producers described': descriptions,
};
