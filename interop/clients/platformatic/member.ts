// A member of a consumer group, started by ../forked-member.ts.
import { Consumer } from '@platformatic/kafka';
import { memberArguments, report } from '../forked-member.ts';

const { bootstrap, topic, groupId } = memberArguments();
const consumer = new Consumer({
  clientId: 'member',
  bootstrapBrokers: [bootstrap],
  groupId,
  sessionTimeout: 3000,
  heartbeatInterval: 500,
  rebalanceTimeout: 10_000,
  maxWaitTime: 200,
  retryDelay: 100,
});
const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' });
// A fetch under way at a rebalance still asks for the partitions of before, and what it brings is
// delivered: the assignment counts when that fetch has ended.
stream.on('fetch', () => {
  const mine = consumer.assignments?.find((assignment) => assignment.topic === topic);
  report({ assigned: mine?.partitions.length ?? 0 });
});
stream.on('data', (message) => report({ value: message.value?.toString() ?? '' }));
