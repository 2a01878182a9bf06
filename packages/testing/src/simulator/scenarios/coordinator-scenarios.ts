import { alterReassignments, commitGroupOffsets, electLeaders } from '@odradek/client';
import { Coordinator, CoordinatorType } from '@odradek/client/cluster/coordinators.ts';
import { fetchCommitted } from '@odradek/client/consumer/committed-offsets.ts';
import type { SimulatedBroker } from '../cluster/simulated-broker.ts';
import type { Director } from './director.ts';
import type { Scenario } from './scenario.ts';

const OFFSETS_TOPIC = '__consumer_offsets';
/** One partition of the offsets topic, so that all groups are where the others are, and leaders that stay put. */
const PROPERTIES = { 'offsets.topic.num.partitions': '1', 'auto.leader.rebalance.enable': 'false' };

/** Coordinators of groups whose partition moves away and back. */
export const COORDINATOR_SCENARIOS: readonly Scenario[] = [
  {
    row: 'F81',
    name: 'a coordinator whose partition is led elsewhere and here again, at once, has all that was committed',
    brokers: 3,
    properties: PROPERTIES,
    play: async (director) => {
      const groups = Array.from({ length: 12 }, (_, i) => `group-${i}`);
      for (const group of groups) await commits(director, group, 7);
      const [one, other, third] = director.brokers as [SimulatedBroker, SimulatedBroker, SimulatedBroker];
      for (let time = 0; time < 4; time++) {
        await leads(director, OFFSETS_TOPIC, [other, one, third]);
        await leads(director, OFFSETS_TOPIC, [one, other, third]);
      }
      await director.passes(1_500);
      for (const group of groups) await expectCommitted(director, group, 7);
    },
  },
  {
    row: 'F82',
    name: 'what waits to be committed when another leads is not acknowledged because others fill its place',
    brokers: 3,
    properties: PROPERTIES,
    play: async (director) => {
      const { controller } = director;
      const [heir, third] = director.brokers.filter((broker) => broker !== controller);
      await commits(director, 'waiting', 1);
      for (const topic of [OFFSETS_TOPIC, director.stage.load.topic]) {
        await leads(director, topic, [controller, heir!, third!]);
        await assign(director, topic, [heir!, controller, third!]);
      }
      for (const other of [heir!, third!]) director.cut(controller, other);
      // In the controller's logs alone. It moves its own leadership before anybody has fetched them.
      const sent = director.begin(3);
      const commit = director.asks('offset 2 is committed', (cluster) => commit1(cluster, 'waiting', 2));
      await director.passes(100);
      await director.asks('another leads', (cluster) => electLeaders(cluster, 'preferred', null));
      for (const other of [heir!, third!]) director.join(controller, other);
      await director.until('it leads', () => director.isLeader(heir!));
      director.beginHasty(10);
      for (let offset = 11; offset < 16; offset++) await commits(director, 'other', offset);
      await director.until('all are told', () => sent.every(({ outcome }) => outcome !== null));
      await commit;
      await expectCommitted(director, 'waiting', 2);
    },
  },
];

function commit1(
  cluster: Parameters<typeof commitGroupOffsets>[0],
  group: string,
  offset: number,
): Promise<void> {
  return commitGroupOffsets(cluster, group, [{ topic: 'orders', partition: 0, currentOffset: null, offset }]);
}

/** Commits an offset for a group without members, and waits until that is acknowledged. */
async function commits(director: Director, group: string, offset: number): Promise<void> {
  await director.asks(`${group} commits ${offset}`, (cluster) => commit1(cluster, group, offset));
}

async function expectCommitted(director: Director, group: string, offset: number): Promise<void> {
  let found: number | undefined;
  await director.asks(`what ${group} has committed`, async (cluster) => {
    const committed = await fetchCommitted(new Coordinator(cluster, CoordinatorType.GROUP, group), null);
    found = [...committed.values()][0]?.offset;
  });
  if (found === offset) return;
  const text = `${group} has committed ${found}, though ${offset} was acknowledged`;
  director.stage.problems.add('committed-offset-lost', text);
}

async function assign(director: Director, topic: string, brokers: readonly SimulatedBroker[]): Promise<void> {
  const replicas = brokers.map(({ nodeId }) => nodeId);
  await director.asks(`${topic}-0 is on ${replicas.join()}`, (cluster) =>
    alterReassignments(cluster, [{ topic, partition: 0, replicas }]),
  );
}

/** The first of these leads as soon as the controller can make it. */
async function leads(director: Director, topic: string, brokers: readonly SimulatedBroker[]): Promise<void> {
  await assign(director, topic, brokers);
  await director.asks('preferred leaders lead', (cluster) =>
    electLeaders(cluster, 'preferred', [{ topic, partition: 0 }]),
  );
}
