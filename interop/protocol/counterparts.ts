import type { KafkaVersion } from '../../scripts/kafka-jars.ts';

/** A message as our schemas call it. */
export interface Counterpart {
  readonly name: string;
  readonly version: number;
}

/** What Kafka 3.9 calls otherwise than 4.4, whose names our schemas follow. */
const RENAMED_MESSAGES: ReadonlyMap<string, string> = new Map([
  ['ListClientMetricsResourcesRequest', 'ListConfigResourcesRequest'],
  ['ListClientMetricsResourcesResponse', 'ListConfigResourcesResponse'],
]);

const RENAMED_FIELDS: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map([
  ['ListConfigResourcesResponse', { clientMetricsResources: 'configResources', name: 'resourceName' }],
  ['TxnOffsetCommitRequest', { generationId: 'generationIdOrMemberEpoch' }],
  [
    'VoteRequest',
    { candidateEpoch: 'replicaEpoch', candidateId: 'replicaId', candidateDirectoryId: 'replicaDirectoryId' },
  ],
]);

/**
 * Share groups were an early trial in 3.9: their records are other ones in 4.x, and one answer between brokers
 * has changed within its version 0. No later release reads those of 3.9, and neither do we.
 */
const ABANDONED = /^(ShareGroup\w+(Key|Value)|ReadShareGroupStateSummaryResponse)$/;

/**
 * The message of our schemas that corresponds to one of Kafka's, or null when we leave it out on purpose.
 *
 * Up to 3.9 the number before the key of a coordinator record was the version of the key; since 4.0 it is the
 * record's type, and the version of every key is 0.
 */
export function counterpart(kafka: KafkaVersion, name: string, version: number): Counterpart | null {
  if (kafka !== '3.9') return { name, version };
  if (ABANDONED.test(name)) return null;
  if (name === 'OffsetCommitKey') return { name: version === 0 ? 'LegacyOffsetCommitKey' : name, version: 0 };
  if (/(Group\w*)Key$/.test(name)) return { name, version: 0 };
  return { name: RENAMED_MESSAGES.get(name) ?? name, version };
}

/** Our name of a field, given the message by our name. */
export function fieldCounterpart(messageName: string, field: string): string {
  return RENAMED_FIELDS.get(messageName)?.[field] ?? field;
}
