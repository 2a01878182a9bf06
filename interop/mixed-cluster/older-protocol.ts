import { setTimeout as sleep } from 'node:timers/promises';
import type { Steps } from '../steps.ts';
import {
  areSpread,
  byKafka,
  byOdradek,
  KAFKA,
  leadsNothing,
  type MixedCluster,
  ODRADEKS,
  SESSION_MS,
} from './mixed-cluster.ts';

/** Kafka works as 2.6 did: it writes in-sync sets into ZooKeeper itself, tells of them later, and knows no topic ids. */
export const OLDER_PROTOCOL = { 'inter.broker.protocol.version': '2.6' };

/** What is different then, with either as the controller. */
export async function olderProtocol(mixed: MixedCluster, steps: Steps): Promise<void> {
  const { kafka, odradeks } = mixed;
  await steps.take('Kafka 3.9 in the ways of 2.6 is the controller, all lead and follow', async () => {
    await mixed.createTopic();
    await mixed.until('Kafka as controller', byKafka);
    return mixed.copied(areSpread);
  });
  await steps.take('an Odradek broker is the controller, Kafka comes back and follows', async () => {
    await kafka.shutDown();
    await mixed.until('Odradek as controller', byOdradek);
    await kafka.startAgain();
    return mixed.copied(leadsNothing(KAFKA));
  });
  await steps.take(
    'Kafka leads all, and writes itself who is in sync when an Odradek broker dies',
    async () => {
      await mixed.reassign([KAFKA, ...ODRADEKS]);
      await mixed.electPreferred();
      await mixed.until('Kafka leading all', ({ partitions }) =>
        partitions.every(({ leader }) => leader === KAFKA),
      );
      const follower = await mixed.followerThatIsNotController();
      await odradeks[follower]!.kill();
      await sleep(SESSION_MS);
      await odradeks[follower]!.startAgain();
      return mixed.copied((leaders) => leaders.every((leader) => leader === KAFKA));
    },
  );
  await steps.take(
    'partitions that Kafka leads are moved, and are done when Kafka has written it',
    async () => {
      await mixed.reassign([KAFKA, ODRADEKS[0]!]);
      await mixed.reassign([KAFKA, ...ODRADEKS]);
      return mixed.copied((leaders) => leaders.every((leader) => leader === KAFKA));
    },
  );
  await steps.take(
    'kill -9 of both Odradek brokers: Kafka is the controller again, and tells no ids',
    async () => {
      await Promise.all(odradeks.map((odradek) => odradek.kill()));
      await mixed.until('Kafka as controller', byKafka);
      await mixed.continued(leadsNothing(...ODRADEKS));
      await sleep(SESSION_MS);
      for (const odradek of odradeks) await odradek.startAgain();
      return mixed.copied(leadsNothing(...ODRADEKS));
    },
  );
  await steps.take('everything acknowledged can be read, once and in order', () => mixed.readAll());
  await steps.take('the topic is deleted on all', () => mixed.deleteTopic());
}
