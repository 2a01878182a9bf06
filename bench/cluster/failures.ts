import type { Metrics } from '../report/metrics.ts';
import {
  controllerOf,
  createTopic,
  requestTopic,
  untilAll,
  untilForgotten,
  untilInSync,
} from './administration.ts';
import { BROKER_IDS, type BenchCluster } from './bench-cluster.ts';
import { Probe } from './probe.ts';

let topicsMade = 0;

/** Stops the leader of a partition in order, under a producer of acks=all, and brings it back. */
export async function leaderStops(cluster: BenchCluster): Promise<Metrics> {
  const controller = await controllerOf(cluster);
  const victim = BROKER_IDS.find((id) => id !== controller)!;
  return withProbe(cluster, victim, async (probe, topic) => {
    await cluster.broker(victim).shutDown();
    await probe.untilAcknowledged(20);
    await cluster.broker(victim).startAgain();
    await untilInSync(cluster, topic, 1);
    return { 'without a leader': lengthOf(probe) };
  });
}

/** Kills the leader of a partition, another broker than the controller or that one itself, and brings it back. */
export async function leaderDies(cluster: BenchCluster, isController: boolean): Promise<Metrics> {
  const controller = await controllerOf(cluster);
  const victim = isController ? controller : BROKER_IDS.find((id) => id !== controller)!;
  return withProbe(cluster, victim, async (probe, topic) => {
    await cluster.broker(victim).kill();
    await untilForgotten(cluster, victim);
    const forgottenMs = performance.now();
    await probe.untilAcknowledged(20);
    const metrics: Metrics = {
      'without a leader': lengthOf(probe),
      'without a leader after the session': Math.max(0, probe.longest.toMs - forgottenMs),
    };
    if (isController) {
      await requestTopic(cluster, `${topic}-later`, [othersThan(victim)], victim);
      metrics['until a topic can be made after the session'] = performance.now() - forgottenMs;
    }
    await cluster.broker(victim).startAgain();
    await untilInSync(cluster, topic, 1);
    return metrics;
  });
}

/** Kills the controller of a cluster with many partitions, of which it leads a third. */
export async function controllerFailsOver(cluster: BenchCluster, partitions: number): Promise<Metrics> {
  const topic = `failover-${topicsMade++}`;
  const created = performance.now();
  await createTopic(
    cluster,
    topic,
    Array.from({ length: partitions }, (_, i) => [BROKER_IDS[i % 3]!, BROKER_IDS[(i + 1) % 3]!]),
  );
  const createSeconds = (performance.now() - created) / 1000;
  const victim = await controllerOf(cluster);
  await cluster.broker(victim).kill();
  await untilForgotten(cluster, victim);
  const forgottenMs = performance.now();
  await controllerOf(cluster, victim);
  const electedMs = performance.now();
  await untilAll(
    cluster,
    topic,
    partitions,
    ({ leaderId }) => leaderId >= 0 && leaderId !== victim,
    othersThan(victim),
  );
  const ledMs = performance.now();
  await cluster.broker(victim).startAgain();
  const startedMs = performance.now();
  await untilInSync(cluster, topic, partitions);
  return {
    'until they are made, s': createSeconds,
    'until there is a controller after the session, s': (electedMs - forgottenMs) / 1000,
    'until all have a leader after the session, s': (ledMs - forgottenMs) / 1000,
    'until the broker that came back is in sync, s': (performance.now() - startedMs) / 1000,
  };
}

async function withProbe(
  cluster: BenchCluster,
  leader: number,
  act: (probe: Probe, topic: string) => Promise<Metrics>,
): Promise<Metrics> {
  const topic = `probe-${topicsMade++}`;
  await createTopic(cluster, topic, [[leader, ...othersThan(leader)]]);
  const probe = new Probe(cluster, topic);
  try {
    await probe.start();
    return await act(probe, topic);
  } finally {
    await probe.stop();
  }
}

function othersThan(brokerId: number): number[] {
  return BROKER_IDS.filter((id) => id !== brokerId);
}

function lengthOf({ longest }: Probe): number {
  return longest.toMs - longest.fromMs;
}
