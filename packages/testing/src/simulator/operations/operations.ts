import {
  alterConfigs,
  alterReassignments,
  createPartitions,
  deleteTopic,
  electLeaders,
  moveToLogDirectory,
} from '@odradek/client';
import type { PartitionRefusal } from '@odradek/client';
import type { SeededRandom } from '../../seeded-random.ts';
import { chanceOf, type FaultScript, NOTHING } from '../faults/fault-script.ts';
import { deleteRecords } from './delete-records.ts';
import { DATA_DIRECTORIES } from '../cluster/simulated-broker.ts';
import { movingPartitions, partitionsIn } from './tree-view.ts';
import { FLEETING, LOOSE, ORDERS } from './topics.ts';

/** How many partitions a topic grows to. */
const PARTITIONS_MAX = 4;
/** Bytes per second: enough for all to be in sync again in time should nobody take it back. */
const THROTTLE_RATE = '20000';
/** What changes of it neither loses anything nor keeps anybody from writing. */
const TOPIC_SETTINGS = [
  { 'segment.bytes': '1024' },
  { 'segment.bytes': null },
  { 'index.interval.bytes': '64' },
  { 'flush.messages': '1' },
  { 'flush.messages': null },
];

/** What administrators do while brokers serve. */
export const OPERATIONS = {
  reassign: {
    weight: 4,
    maxMs: 4_000,
    begin: (world, { administrator, brokers }, happening) => {
      const chance = chanceOf(happening);
      const { topic, partition } = chance.pick(partitionsIn(world.ensemble));
      const ids = shuffled(
        brokers.map(({ nodeId }) => nodeId),
        chance,
      );
      const replicas = ids.slice(0, 2 + chance.below(2));
      administrator.attempt(`${topic}-${partition} to ${replicas.join()}`, async (cluster) =>
        refusals(await alterReassignments(cluster, [{ topic, partition, replicas }])),
      );
    },
    end: (world, { administrator }, happening) => {
      const moving = movingPartitions(world.ensemble);
      if (moving.length === 0 || chanceOf(happening).chance(0.6)) return;
      administrator.attempt('all that moves stays where it was', async (cluster) =>
        refusals(
          await alterReassignments(
            cluster,
            moving.map((partition) => ({ ...partition, replicas: null })),
          ),
        ),
      );
    },
  },
  recreate: {
    weight: 2,
    maxMs: 0,
    begin: (_, { administrator }) =>
      administrator.attempt(`${FLEETING.name} is deleted and made anew`, async (cluster) => {
        await deleteTopic(cluster, FLEETING.name);
        await administrator.createTopic(FLEETING);
        return 'it is there';
      }),
    end: NOTHING,
  },
  'add-partition': {
    weight: 1,
    maxMs: 0,
    begin: (world, { administrator }) => {
      const count = partitionsIn(world.ensemble).filter(({ topic }) => topic === ORDERS.name).length;
      if (count >= PARTITIONS_MAX) return;
      administrator.attempt(`${ORDERS.name} gets ${count + 1} partitions`, async (cluster) => {
        await createPartitions(cluster, ORDERS.name, count + 1);
        return 'they are there';
      });
    },
    end: NOTHING,
  },
  'elect-preferred': {
    weight: 2,
    maxMs: 0,
    begin: (_, { administrator }) =>
      administrator.attempt('preferred leaders lead', async (cluster) => {
        const { elected, refusals: refused } = await electLeaders(cluster, 'preferred', null);
        return `${elected.length} elected, ${refusals(refused)}`;
      }),
    end: NOTHING,
  },
  'elect-unclean': {
    weight: 1,
    maxMs: 0,
    begin: (_, { administrator }) =>
      administrator.attempt(`somebody leads ${LOOSE.name}, in sync or not`, async (cluster) => {
        const partitions = [{ topic: LOOSE.name, partition: 0 }];
        const { elected, refusals: refused } = await electLeaders(cluster, 'unclean', partitions);
        return `${elected.length} elected, ${refusals(refused)}`;
      }),
    end: NOTHING,
  },
  configure: {
    weight: 2,
    maxMs: 0,
    begin: (_, { administrator }, happening) => {
      const changes = chanceOf(happening).pick(TOPIC_SETTINGS);
      administrator.attempt(`${ORDERS.name} gets ${JSON.stringify(changes)}`, async (cluster) => {
        await alterConfigs(cluster, { type: 'topic', name: ORDERS.name }, changes);
        return 'set';
      });
    },
    end: NOTHING,
  },
  throttle: {
    weight: 1,
    maxMs: 5_000,
    begin: (_, { administrator }, { broker }) =>
      administrator.attempt(`replication from broker ${broker} is throttled`, async (cluster) => {
        const replicas = { 'leader.replication.throttled.replicas': '*' };
        await alterConfigs(cluster, { type: 'topic', name: ORDERS.name }, replicas);
        const rate = { 'leader.replication.throttled.rate': THROTTLE_RATE };
        await alterConfigs(cluster, { type: 'broker', nodeId: broker }, rate);
        return 'set';
      }),
    end: (_, { administrator }, { broker }) =>
      administrator.attempt(`replication from broker ${broker} is free again`, async (cluster) => {
        const rate = { 'leader.replication.throttled.rate': null };
        await alterConfigs(cluster, { type: 'broker', nodeId: broker }, rate);
        return 'set';
      }),
  },
  'move-log': {
    weight: 2,
    maxMs: 0,
    begin: (world, { administrator }, happening) => {
      const chance = chanceOf(happening);
      const { topic, partition } = chance.pick(partitionsIn(world.ensemble));
      const directory = chance.pick(DATA_DIRECTORIES);
      const { broker } = happening;
      administrator.attempt(`${topic}-${partition} of broker ${broker} to ${directory}`, async (cluster) => {
        const node = (await cluster.nodes()).find(({ nodeId }) => nodeId === broker);
        if (node === undefined) return 'the broker is not there';
        return refusals(await moveToLogDirectory(cluster, node, directory, [{ topic, partition }]));
      });
    },
    end: NOTHING,
  },
  'delete-records': {
    weight: 1,
    maxMs: 0,
    begin: (_, simulated, happening) => deleteRecords(simulated, FLEETING.name, chanceOf(happening)),
    end: NOTHING,
  },
} satisfies Record<string, FaultScript>;

function shuffled(ids: readonly number[], chance: SeededRandom): number[] {
  return ids
    .map((id) => ({ id, key: chance.fraction() }))
    .sort((a, b) => a.key - b.key)
    .map(({ id }) => id);
}

function refusals(refused: readonly PartitionRefusal[]): string {
  return refused.length === 0 ? 'done' : refused.map(({ error }) => String(error)).join('; ');
}
