export * from './admin/admin-types.ts';
export type {
  ConsumerGroupState,
  GroupDescription,
  GroupDescriptions,
  GroupOverview,
  MemberDescription,
} from './admin/groups.ts';
export { CompressionCodecs, CompressionTypes } from './compression.ts';
export type {
  BrokersFunction,
  KafkaConfig,
  OauthbearerProviderResponse,
  SASLMechanism,
  SASLOptions,
} from './config.ts';
export {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ConfigResourceTypes,
  ConfigSource,
  ResourcePatternTypes,
} from './constants.ts';
export * from './consumer/assigner-protocol.ts';
export {
  PartitionAssigners,
  type Assigner,
  type AssignerCluster,
  type GroupMember,
  type GroupMemberAssignment,
  type GroupState,
  type PartitionAssigner,
} from './consumer/assigners.ts';
export type { Batch } from './consumer/batch.ts';
export type * from './consumer/consumer-types.ts';
export * from './errors.ts';
export type { InstrumentationEvent, RemoveInstrumentationEventListener } from './instrumentation.ts';
export { Kafka } from './kafka.ts';
export { logLevel, type LogEntry, type Logger, type LoggerEntryContent, type logCreator } from './logging.ts';
export type { IHeaders, KafkaMessage, Message } from './messages.ts';
export type { RequestEvent, RequestQueueSizeEvent, RequestTimeoutEvent } from './network-events.ts';
export {
  Partitioners,
  type DefaultPartitioner,
  type ICustomPartitioner,
  type LegacyPartitioner,
  type Partitioner,
  type PartitionMetadata,
  type PartitionerArgs,
} from './partitioners.ts';
export type {
  Offsets,
  PartitionOffset,
  Producer,
  ProducerBatch,
  ProducerConfig,
  ProducerEvents,
  ProducerRecord,
  RecordMetadata,
  Sender,
  TopicMessages,
  TopicOffsets,
  Transaction,
} from './producer/producer-types.ts';
export type { RetryOptions } from './retry-options.ts';
export type { TopicPartitions } from './topic-partitions.ts';
export type { ISocketFactory, ISocketFactoryArgs } from './sockets.ts';
