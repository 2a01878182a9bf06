// A cluster of three Odradek brokers, operated with Apache Kafka's own tools and read near by its own clients.
// One command, no arguments; needs Java and kcat:
//   npm run prove:operations
import { Steps } from '../steps.ts';
import { KafkaToolsSession } from './kafka-tools.ts';
import { RackedCluster } from './racked-cluster.ts';
import { fillTopic, FOLLOWER, LEADER, READERS, readFrom } from './read-near.ts';

const steps = new Steps();

const cluster = await RackedCluster.start();
const tools = new KafkaToolsSession(cluster);
try {
  await steps.take('a topic on all brokers', () => fillTopic(cluster));
  for (const [name, read] of Object.entries(READERS)) {
    await steps.take(`${name} reads from the follower in its rack`, () => readFrom(cluster, read, FOLLOWER));
    await steps.take(`${name} reads from the leader in its rack`, () => readFrom(cluster, read, LEADER));
  }
  await steps.take('a topic to be moved', () => tools.prepare());
  await steps.take('kafka-reassign-partitions --throttle, --verify', () => tools.moveThrottled());
  await steps.take('kafka-topics --under-replicated-partitions, kafka-leader-election', () => tools.elect());
  await steps.take('kafka-reassign-partitions --list, --cancel', () => tools.cancel());
} finally {
  tools.close();
  await cluster.stop();
}
steps.close();
