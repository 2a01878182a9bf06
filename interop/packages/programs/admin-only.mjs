// A program that manages topics and does nothing else: what it does not name should not be in its bundle.
import { Cluster, createTopic, listTopics } from '@odradek/client';

const cluster = new Cluster({ bootstrapServers: process.argv[2] });
await createTopic(cluster, { name: 'from-a-bundle', partitions: 3 });
const topics = await listTopics(cluster);
console.log(`${topics.find(({ name }) => name === 'from-a-bundle').partitions.length} partitions`);
await cluster.close();
