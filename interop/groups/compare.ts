// Asks Apache Kafka and Odradek the same about groups and offsets, in every version that both serve, and prints
// where they answer differently.
//   npx node interop/groups/compare.ts [--kafka 3.9,4.4] [--conversation a,b] [--print]
import { compareWithKafka } from '../wire/compare-with-kafka.ts';
import { RawConnection } from '../wire/raw-connection.ts';
import { acceptedDifferences } from './accepted-differences.ts';
import { conversations } from './conversations.ts';
import { randomWalks } from './random-walk.ts';
import { makeTopics, untilCoordinated } from './prepare-broker.ts';

/** Each a group of its own, of four members who do forty things. */
const WALKS = 20;

await compareWithKafka({
  conversations: { ...conversations, ...randomWalks(WALKS) },
  accepted: acceptedDifferences,
  overrides: { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '3' },
  async prepare({ host, port }) {
    const connection = await RawConnection.open(host, port);
    await makeTopics(connection);
    await untilCoordinated(connection);
    connection.close();
  },
});
