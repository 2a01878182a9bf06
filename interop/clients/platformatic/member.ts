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
  retries: 300,
  // With it, `commit` of a message would do nothing and still say that it is done.
  autocommit: false,
});
const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' });
// A fetch under way at a rebalance still asks for the partitions of before, and what it brings is
// delivered: the assignment counts when that fetch has ended.
stream.on('fetch', () => {
  const mine = consumer.assignments?.find((assignment) => assignment.topic === topic);
  report({ assigned: mine?.partitions.length ?? 0 });
});
// One commit after the other: of two at a time the older may arrive last.
for await (const message of stream) {
  report({ value: message.value?.toString() ?? '' });
  const committed = Number(message.offset) + 1;
  try {
    await message.commit();
    report({ partition: message.partition, committed });
  } catch {
    // The next commit covers it.
  }
}
