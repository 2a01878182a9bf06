import type { AssignorName } from '@odradek/client';
import type { Properties } from '@odradek/broker/config/server-properties.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** How a cluster is set up and its clients go to work, beside the faults: none of it may cost a record. */
export interface Circumstances {
  /** Of the brokers. */
  readonly properties: Properties;
  /** Where the reader runs, as brokers name it: it may read from a follower there. Empty: it reads from leaders. */
  readonly readerRack: string;
  readonly group: GroupCircumstances;
}

/** How members of a group go to work. */
export interface GroupCircumstances {
  readonly assignors: readonly AssignorName[];
  /** Whether members keep their partitions over a restart (KIP-345). */
  readonly isStatic: boolean;
  /** Records of one poll at most: with few, positions lie in the midst of batches. */
  readonly maxPollRecords: number;
}

export const USUAL_GROUP: GroupCircumstances = {
  assignors: ['range', 'cooperative-sticky'],
  isStatic: false,
  maxPollRecords: 500,
};

const RACK_AWARE = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

/** What a broker may be set up with, and how often that is so. */
const SETTINGS: readonly { readonly chance: number; readonly properties: Properties }[] = [
  { chance: 0.15, properties: { 'log.flush.interval.messages': '1' } },
  { chance: 0.2, properties: { 'log.segment.bytes': '2048' } },
  { chance: 0.2, properties: { 'replica.fetch.max.bytes': '500' } },
  { chance: 0.2, properties: { 'replica.fetch.response.max.bytes': '1000' } },
  { chance: 0.2, properties: { 'auto.leader.rebalance.enable': 'false' } },
  { chance: 0.2, properties: { 'group.initial.rebalance.delay.ms': '0' } },
  { chance: 0.2, properties: { 'num.replica.fetchers': '2' } },
];

const ASSIGNORS: readonly (readonly AssignorName[])[] = [
  USUAL_GROUP.assignors,
  ['cooperative-sticky'],
  ['sticky'],
  ['roundrobin'],
];

export function circumstancesBy(chance: SeededRandom): Circumstances {
  const properties = Object.assign(
    {},
    ...SETTINGS.filter((setting) => chance.chance(setting.chance)).map((setting) => setting.properties),
  ) as Properties;
  const readsNearby = chance.chance(0.35);
  return {
    properties: { ...properties, ...(readsNearby ? { 'replica.selector.class': RACK_AWARE } : {}) },
    readerRack: readsNearby ? 'rack-2' : '',
    group: {
      assignors: chance.pick(ASSIGNORS),
      isStatic: chance.chance(0.3),
      maxPollRecords: chance.chance(0.3) ? 3 : USUAL_GROUP.maxPollRecords,
    },
  };
}
