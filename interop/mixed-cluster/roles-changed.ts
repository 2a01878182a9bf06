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

/** Each broker is controller, leader and follower of the others in turn. */
export async function rolesChanged(mixed: MixedCluster, steps: Steps): Promise<void> {
  const { kafka, odradeks } = mixed;
  await steps.take('Kafka is the controller, all lead and follow', async () => {
    await mixed.createTopic();
    await mixed.until('Kafka as controller', byKafka);
    return mixed.copied(areSpread);
  });
  await steps.take(
    'Kafka stops in order: an Odradek broker is the controller, Odradek leads all',
    async () => {
      await kafka.shutDown();
      await mixed.until('Odradek as controller', byOdradek);
      return mixed.continued(leadsNothing(KAFKA));
    },
  );
  await steps.take('Kafka comes back and follows Odradek, under Odradek as controller', async () => {
    await kafka.startAgain();
    return mixed.copied(leadsNothing(KAFKA));
  });
  await steps.take('the preferred leaders lead again, Odradek still being the controller', async () => {
    await mixed.electPreferred();
    return mixed.copied(areSpread);
  });
  await steps.take('kill -9 of both Odradek brokers: Kafka is the controller and leads all', async () => {
    await Promise.all(odradeks.map((odradek) => odradek.kill()));
    await mixed.until('Kafka as controller', byKafka);
    return mixed.continued(leadsNothing(...ODRADEKS));
  });
  await steps.take('they come back and follow Kafka, under Kafka as controller', async () => {
    await sleep(SESSION_MS);
    for (const odradek of odradeks) await odradek.startAgain();
    return mixed.copied(leadsNothing(...ODRADEKS));
  });
  await steps.take('Odradek leads its share again, Kafka being the controller', async () => {
    await mixed.electPreferred();
    return mixed.copied(areSpread);
  });
  await steps.take('kill -9 of Kafka: an Odradek broker is the controller, Odradek leads all', async () => {
    await kafka.kill();
    await mixed.until('Odradek as controller', byOdradek);
    return mixed.continued(leadsNothing(KAFKA));
  });
  await steps.take('Kafka comes back from that', async () => {
    await kafka.startAgain();
    return mixed.copied(leadsNothing(KAFKA));
  });
  await steps.take('the Odradek brokers stop in order, one after the other, and come back', async () => {
    for (const odradek of odradeks) await odradek.shutDown();
    await mixed.until('Kafka as controller', byKafka);
    const alone = await mixed.continued(leadsNothing(...ODRADEKS));
    for (const odradek of odradeks) await odradek.startAgain();
    return `${alone}, then ${await mixed.copied(() => true)}`;
  });
  await steps.take('kill -9 of one Odradek broker and its return, under load', () =>
    mixed.killedUnderLoad(odradeks[0]!, ODRADEKS[0]!, SESSION_MS),
  );
  await steps.take(
    'an Odradek broker sleeps longer than its session, Kafka being the controller, under load',
    () => mixed.sleptUnderLoad(odradeks[1]!, ODRADEKS[1]!),
  );
  await steps.take('kill -9 of Kafka and its return, under load', () =>
    mixed.killedUnderLoad(kafka, KAFKA, 0),
  );
  await steps.take('offsets that a group committed are known to whichever broker coordinates it', () =>
    mixed.groups(),
  );
  await steps.take('everything acknowledged can be read, once and in order', () => mixed.readAll());
  await steps.take('the topic is deleted on all', () => mixed.deleteTopic());
}
