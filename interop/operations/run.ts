// A cluster of three Odradek brokers, operated with Apache Kafka's own tools and read near by its own clients.
// One command, no arguments; needs Java and kcat:
//   npm run prove:operations
import { closeWith } from '../closing-line.ts';
import { KafkaToolsSession } from './kafka-tools.ts';
import { RackedCluster } from './racked-cluster.ts';
import { fillTopic, FOLLOWER, LEADER, READERS, readFrom } from './read-near.ts';

let passed = 0;
let failed = 0;

async function step(what: string, run: () => Promise<string>): Promise<void> {
  if (failed > 0) return;
  try {
    console.log(`ok    ${what}: ${await run()}`);
    passed++;
  } catch (error) {
    console.log(`FAIL  ${what}: ${(error as Error).stack?.slice(0, 3000)}`);
    failed++;
  }
}

const cluster = await RackedCluster.start();
const tools = new KafkaToolsSession(cluster);
try {
  await step('a topic on all brokers', () => fillTopic(cluster));
  for (const [name, read] of Object.entries(READERS)) {
    await step(`${name} reads from the follower in its rack`, () => readFrom(cluster, read, FOLLOWER));
    await step(`${name} reads from the leader in its rack`, () => readFrom(cluster, read, LEADER));
  }
  await step('a topic to be moved', () => tools.prepare());
  await step('kafka-reassign-partitions --throttle, --verify', () => tools.moveThrottled());
  await step('kafka-topics --under-replicated-partitions, kafka-leader-election', () => tools.elect());
  await step('kafka-reassign-partitions --list, --cancel', () => tools.cancel());
} finally {
  tools.close();
  await cluster.stop();
}
closeWith(passed, failed);
