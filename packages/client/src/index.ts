export * from './admin/configs.ts';
export * from './admin/elections.ts';
export * from './admin/group-offsets.ts';
export * from './admin/groups.ts';
export * from './admin/log-directories.ts';
export * from './admin/reassignments.ts';
export * from './admin/share-groups.ts';
export * from './admin/topic-values.ts';
export * from './admin/topics.ts';
export type { PartitionRefusal } from './admin/partition-refusal.ts';
export { Cluster } from './cluster/cluster.ts';
export type { ClusterOptions, MetadataRecoveryStrategy } from './cluster/cluster-options.ts';
export type { BrokerNode, PartitionMetadata, TopicMetadata } from './cluster/metadata-cache.ts';
export type { TopicPartition } from './cluster/topic-partition.ts';
export { Consumer, type Assignment } from './consumer/consumer.ts';
export type { ConsumerOptions, OffsetReset } from './consumer/consumer-options.ts';
export { partitionKey } from './cluster/topic-partition.ts';
export type { Assignor, GroupAssignment, GroupSubscriber } from './consumer/assignors/assignor.ts';
export { ASSIGNOR_NAMES, type AssignorName } from './consumer/assignors/assignors.ts';
export type { CommittedOffset, OffsetToCommit } from './consumer/committed-offsets.ts';
export type { PartitionTrouble, StartOffset } from './consumer/fetch/fetch-partition.ts';
export type { FetchedRecords } from './consumer/fetch/fetched-data.ts';
export type { ConsumedRecord } from './consumer/consumed-record.ts';
export type { GroupMetadata } from './consumer/group-metadata.ts';
export type { ConsumerMetrics, PartitionMetrics } from './consumer/consumer-metrics.ts';
export type { Stall } from './consumer/watchdog.ts';
export { GroupConsumer } from './consumer/group-consumer.ts';
export type { JoinTrouble } from './consumer/membership.ts';
export type { GroupConsumerOptions, GroupProtocol, RebalanceListener } from './consumer/group-options.ts';
export type { BatchContext, HandlerContext, Handlers } from './consumer/handler-runner.ts';
export {
  listOffsets,
  type FoundOffset,
  type IsolationLevel,
  type OffsetQuery,
  type OffsetSpec,
} from './consumer/list-offsets.ts';
export * from './errors.ts';
export type { ExchangeObserver, ObservedExchange } from './network/exchange-observer.ts';
export type { BearerToken, SaslMechanism, SaslOptions } from './network/sasl/sasl-options.ts';
export type { TlsOptions } from './network/tls-options.ts';
export type { ClientEnvironment } from './ports/environment.ts';
export type { RecordMetadata } from './producer/batch.ts';
export type { ProducerMetrics } from './producer/producer-metrics.ts';
export type { ProducerOptions } from './producer/producer-options.ts';
export { roundRobinPartitioner, type Partitioner, type UnplacedRecord } from './producer/partitioner.ts';
export { Producer } from './producer/producer.ts';
export type { ProducerRecord } from './producer/producer-record.ts';
export type { PartitionChooser } from './producer/taken-record.ts';
export type { AcknowledgementOutcome, Verdict } from './share/acknowledgement.ts';
export type { ShareRecord } from './share/acquired-record.ts';
export { ShareConsumer } from './share/share-consumer.ts';
export type { FailureVerdict, ShareHandlers } from './share/share-handlers.ts';
export type { ShareMetrics } from './share/share-metrics.ts';
export type { AcknowledgementMode, AcquireMode, ShareConsumerOptions } from './share/share-options.ts';
export {
  bytes,
  doubles,
  integers,
  json,
  nullable,
  strings,
  type Serde,
  type SerdePlace,
} from './typed/serdes.ts';
export {
  SerdeError,
  typedTopics,
  type TopicMap,
  type TypedConsumedRecord,
  type TypedRecord,
  type TypedTopics,
} from './typed/typed-topics.ts';
