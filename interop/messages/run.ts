// Asks Apache Kafka (3.9 with ZooKeeper, 4.4) and Odradek the same about messages, and much that is wrong, in every
// version that both serve, and compares the answers: error code by error code, offset by offset, byte by byte.
//   npx node interop/messages/run.ts [--kafka 3.9,4.4] [--conversation a,b] [--print]
// Topics, groups and settings have comparisons of their own beside this one.
import { compareWithKafka } from '../wire/compare-with-kafka.ts';
import { acceptedDifferences } from './accepted-differences.ts';
import { brokerConversations } from './brokers.ts';
import { fetchConversations } from './fetch.ts';
import { frameConversations } from './frames.ts';
import { offsetConversations } from './offsets.ts';
import { produceConversations } from './produce.ts';
import { producerConversations } from './producers.ts';
import { makeWorld } from './world.ts';

await compareWithKafka({
  conversations: {
    ...fetchConversations,
    ...offsetConversations,
    ...brokerConversations,
    ...frameConversations,
    ...producerConversations,
    ...produceConversations,
  },
  accepted: acceptedDifferences,
  // Messages of long ago must stay.
  overrides: { 'log.retention.ms': '-1', 'offsets.topic.num.partitions': '3' },
  hiddenFields: ['errorMessage', 'batchIndexErrorMessage', 'host', 'port'],
  blurredFields: ['logAppendTimeMs', 'sessionId', 'producerId', 'logDir', 'totalBytes', 'usableBytes'],
  prepare: makeWorld,
});
