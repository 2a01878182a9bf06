import { createPartitionsApi } from '@odradek/protocol/generated/apis/create-partitions.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import { describeClusterApi } from '@odradek/protocol/generated/apis/describe-cluster.ts';
import { alterPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/alter-partition-reassignments.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import { listPartitionReassignmentsApi } from '@odradek/protocol/generated/apis/list-partition-reassignments.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { ClientApi } from '../wire/raw-connection.ts';

/** One request, the same for every broker that is asked. */
export interface Step {
  readonly label: string;
  readonly api: ClientApi<never, unknown>;
  readonly version: number;
  readonly message: unknown;
  /** Ask again until the answer stops changing: for what a broker finishes after it has answered. */
  readonly settles?: boolean;
}

function step<Input>(label: string, api: ClientApi<Input, unknown>, version: number, message: Input): Step {
  return { label, api: api as ClientApi<never, unknown>, version, message };
}

const timeoutMs = 10_000;
const newTopic = (name: string, changes: object = {}) => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [] as { partitionIndex: number; brokerIds: number[] }[],
  configs: [] as { name: string; value: string | null }[],
  ...changes,
});
const create = (label: string, version: number, ...topics: ReturnType<typeof newTopic>[]) =>
  step(`create: ${label}`, createTopicsApi, version, { topics, timeoutMs });
const byHand = (...replicas: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
});
const grow = (label: string, name: string, count: number, assignments: number[][] | null = null) =>
  step(`grow: ${label}`, createPartitionsApi, 3, {
    topics: [{ name, count, assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null }],
    timeoutMs,
    validateOnly: false,
  });
const metadata = (label: string, version: number, names: string[] | null, changes: object = {}): Step => ({
  ...step(`metadata: ${label} v${version}`, metadataApi, version, {
    topics: names?.map((name) => ({ name })) ?? null,
    ...(version >= 4 ? { allowAutoTopicCreation: false } : {}),
    ...changes,
  }),
  settles: true,
});
const remove = (label: string, version: number, ...names: string[]) =>
  step(
    `delete: ${label} v${version}`,
    deleteTopicsApi,
    version,
    version >= 6
      ? { topics: names.map((name) => ({ name, topicId: ZERO_UUID })), timeoutMs }
      : { topicNames: names, timeoutMs },
  );
const reassign = (label: string, topic: string, replicas: number[] | null) =>
  step(`reassign: ${label}`, alterPartitionReassignmentsApi, 0, {
    timeoutMs,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, replicas }] }],
  });

/** Broker 0 alone, without topics. */
export const steps: readonly Step[] = [
  create('a topic', 7, newTopic('plain', { numPartitions: 3 })),
  create('with settings', 7, newTopic('set', { configs: [{ name: 'retention.ms', value: '1000' }] })),
  create('an existing one', 7, newTopic('plain')),
  create('in v0', 0, newTopic('old')),
  create('in v2', 2, newTopic('middle')),
  create('defaults', 7, newTopic('defaults', { numPartitions: -1, replicationFactor: -1 })),
  create('no partitions', 7, newTopic('bad1', { numPartitions: 0 })),
  create('negative partitions', 7, newTopic('bad1', { numPartitions: -2 })),
  create('no replicas', 7, newTopic('bad2', { replicationFactor: 0 })),
  create('too many replicas', 7, newTopic('bad3', { replicationFactor: 2 })),
  create('null setting', 7, newTopic('bad4', { configs: [{ name: 'retention.ms', value: null }] })),
  create('bad setting', 7, newTopic('bad5', { configs: [{ name: 'retention.ms', value: 'soon' }] })),
  create('unknown setting', 7, newTopic('bad6', { configs: [{ name: 'no.such', value: '1' }] })),
  create('a space', 7, newTopic('bad name')),
  create('an empty name', 7, newTopic('')),
  create('two dots', 7, newTopic('..')),
  create('249 characters', 7, newTopic('x'.repeat(249))),
  create('250 characters', 7, newTopic('x'.repeat(250))),
  create('the log of KRaft', 7, newTopic('__cluster_metadata')),
  create('a dotted name', 7, newTopic('a.b')),
  create('a collision', 7, newTopic('a_b')),
  create('by hand', 7, newTopic('hand', byHand([0], [0]))),
  create('by hand and by number', 7, newTopic('bad7', { ...byHand([0]), numPartitions: 1 })),
  create('by hand, a broker twice', 7, newTopic('bad8', byHand([0, 0]))),
  create('by hand, uneven', 7, newTopic('bad9', byHand([0], []))),
  create('good and bad', 7, newTopic('good'), newTopic('bad10', { numPartitions: 0 })),
  step('create: only to check', createTopicsApi, 7, {
    topics: [newTopic('unmade', { numPartitions: 4 }), newTopic('plain')],
    timeoutMs,
    validateOnly: true,
  }),
  ...[0, 1, 4, 5, 7, 9, 10, 12].map((version) =>
    metadata('one topic', version, ['plain'], version === 0 ? {} : {}),
  ),
  metadata('all topics', 12, null),
  metadata('no topics', 12, []),
  metadata('an unknown topic', 12, ['nowhere']),
  metadata('a bad name', 12, ['bad name']),
  metadata('operations on topics', 12, ['plain'], { includeTopicAuthorizedOperations: true }),
  metadata('operations on the cluster', 10, [], { includeClusterAuthorizedOperations: true }),
  step('metadata: an unknown id', metadataApi, 12, {
    topics: [{ topicId: 'PLCjFCrURl-DLzfJktinzw', name: null }],
    allowAutoTopicCreation: false,
  }),
  step('metadata: an id in v10', metadataApi, 10, {
    topics: [{ topicId: 'PLCjFCrURl-DLzfJktinzw', name: 'plain' }],
    allowAutoTopicCreation: false,
  }),
  step('cluster', describeClusterApi, 0, { includeClusterAuthorizedOperations: true }),
  step('cluster: without operations', describeClusterApi, 0, { includeClusterAuthorizedOperations: false }),
  grow('a topic', 'plain', 5),
  grow('by hand', 'plain', 6, [[0]]),
  grow('the same count', 'plain', 6),
  grow('fewer', 'plain', 2),
  grow('an unknown topic', 'nowhere', 2),
  grow('too few replicas by hand', 'plain', 9, [[0]]),
  grow('an unknown broker by hand', 'plain', 7, [[9]]),
  grow('a broker twice by hand', 'plain', 7, [[0, 0]]),
  step('grow: a topic twice', createPartitionsApi, 3, {
    topics: [
      { name: 'plain', count: 8, assignments: null },
      { name: 'plain', count: 9, assignments: null },
    ],
    timeoutMs,
    validateOnly: false,
  }),
  metadata('a topic that grew', 12, ['plain']),
  ...[0, 1].map((electionType) =>
    step(`elect: type ${electionType}`, electLeadersApi, 2, {
      electionType,
      topicPartitions: [
        { topic: 'plain', partitions: [0] },
        { topic: 'nowhere', partitions: [0] },
      ],
      timeoutMs,
    }),
  ),
  step('elect: all', electLeadersApi, 2, { electionType: 0, topicPartitions: null, timeoutMs }),
  reassign('to where it is', 'plain', [0]),
  reassign('to an unknown broker', 'plain', [9]),
  reassign('to nowhere', 'plain', []),
  reassign('a broker twice', 'plain', [0, 0]),
  reassign('call off what is not under way', 'plain', null),
  step('reassignments: all', listPartitionReassignmentsApi, 0, { timeoutMs, topics: null }),
  step('reassignments: some', listPartitionReassignmentsApi, 0, {
    timeoutMs,
    topics: [{ name: 'plain', partitionIndexes: [0, 9] }],
  }),
  remove('a topic', 0, 'old'),
  remove('a topic', 4, 'middle'),
  remove('topics, one unknown', 6, 'set', 'nowhere'),
  step('delete: an unknown id', deleteTopicsApi, 6, {
    topics: [{ name: null, topicId: 'PLCjFCrURl-DLzfJktinzw' }],
    timeoutMs,
  }),
  metadata('what is left', 12, null),
  create('a deleted one again', 7, newTopic('set')),
];
