import type {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ConfigResourceTypes,
  ConfigSource,
  ResourcePatternTypes,
} from '../constants.ts';
import type { TopicPartitions } from '../topic-partitions.ts';
import type { DeleteGroupsResult } from '../errors.ts';
import type { InstrumentationEvent, RemoveInstrumentationEventListener } from '../instrumentation.ts';
import type { Logger } from '../logging.ts';
import type { RequestEvent, RequestQueueSizeEvent, RequestTimeoutEvent } from '../network-events.ts';
import type { PartitionMetadata } from '../partitioners.ts';
import type { PartitionOffset } from '../producer/producer-types.ts';
import type { RetryOptions } from '../retry-options.ts';
import type { GroupDescriptions, GroupOverview } from './groups.ts';

export interface AdminConfig {
  readonly retry?: RetryOptions;
}

export interface ReplicaAssignment {
  readonly partition: number;
  readonly replicas: readonly number[];
}

export interface IResourceConfigEntry {
  readonly name: string;
  readonly value: string;
}

export interface ITopicConfig {
  readonly topic: string;
  /** -1: the broker's default. Default -1. */
  readonly numPartitions?: number;
  /** -1: the broker's default. Default -1. */
  readonly replicationFactor?: number;
  readonly replicaAssignment?: readonly ReplicaAssignment[];
  readonly configEntries?: readonly IResourceConfigEntry[];
}

export interface CreateTopicsOptions {
  readonly validateOnly?: boolean;
  readonly waitForLeaders?: boolean;
  /** Milliseconds. Default 5 000. */
  readonly timeout?: number;
  readonly topics: readonly ITopicConfig[];
}

export interface ITopicPartitionConfig {
  readonly topic: string;
  /** With those that there are. */
  readonly count: number;
  readonly assignments?: readonly (readonly number[])[];
}

export interface CreatePartitionsOptions {
  readonly validateOnly?: boolean;
  readonly timeout?: number;
  readonly topicPartitions: readonly ITopicPartitionConfig[];
}

export interface ITopicMetadata {
  readonly name: string;
  readonly partitions: PartitionMetadata[];
}

export type SeekEntry = PartitionOffset;
export type FetchOffsetsPartition = PartitionOffset & { readonly metadata: string | null };

export interface ResourceConfigQuery {
  readonly type: ConfigResourceTypes;
  readonly name: string;
  readonly configNames?: readonly string[];
}

export interface ConfigSynonyms {
  readonly configName: string;
  readonly configValue: string | null;
  readonly configSource: ConfigSource;
}

export interface ConfigEntries {
  readonly configName: string;
  readonly configValue: string | null;
  readonly isDefault: boolean;
  readonly configSource: ConfigSource;
  readonly isSensitive: boolean;
  readonly readOnly: boolean;
  readonly configSynonyms: ConfigSynonyms[];
}

export interface DescribeConfigResponse {
  readonly resources: {
    readonly configEntries: ConfigEntries[];
    readonly errorCode: number;
    readonly errorMessage: string | null;
    readonly resourceName: string;
    readonly resourceType: ConfigResourceTypes;
  }[];
  readonly throttleTime: number;
}

export interface IResourceConfig {
  readonly type: ConfigResourceTypes;
  readonly name: string;
  readonly configEntries: readonly IResourceConfigEntry[];
}

export interface AlterConfigsResponse {
  readonly resources: {
    readonly errorCode: number;
    readonly errorMessage: string | null;
    readonly resourceName: string;
    readonly resourceType: ConfigResourceTypes;
  }[];
  readonly throttleTime: number;
}

export interface Acl {
  readonly principal: string;
  readonly host: string;
  readonly operation: AclOperationTypes;
  readonly permissionType: AclPermissionTypes;
}

export interface AclResource {
  readonly resourceType: AclResourceTypes;
  readonly resourceName: string;
  readonly resourcePatternType: ResourcePatternTypes;
}

export type AclEntry = Acl & AclResource;
export type DescribeAclResource = AclResource & { readonly acls: Acl[] };

export interface AclFilter {
  readonly resourceType: AclResourceTypes;
  readonly resourceName?: string;
  readonly resourcePatternType: ResourcePatternTypes;
  readonly principal?: string;
  readonly host?: string;
  readonly operation: AclOperationTypes;
  readonly permissionType: AclPermissionTypes;
}

export interface MatchingAcl extends AclEntry {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}

export interface DeleteAclFilterResponses {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly matchingAcls: MatchingAcl[];
}

export interface OngoingPartitionReassignment {
  readonly partition: number;
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface OngoingTopicReassignment {
  readonly topic: string;
  readonly partitions: OngoingPartitionReassignment[];
}

export interface PartitionReassignment {
  readonly topic: string;
  readonly partitionAssignment: readonly ReplicaAssignment[];
}

export const ADMIN_EVENTS = {
  CONNECT: 'admin.connect',
  DISCONNECT: 'admin.disconnect',
  REQUEST: 'admin.network.request',
  REQUEST_TIMEOUT: 'admin.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size',
} as const;
export type AdminEvents = typeof ADMIN_EVENTS;

type Remove = RemoveInstrumentationEventListener;

export interface Admin {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listTopics(): Promise<string[]>;
  /** @returns false when all of them exist already */
  createTopics(options: CreateTopicsOptions): Promise<boolean>;
  deleteTopics(options: { readonly topics: readonly string[]; readonly timeout?: number }): Promise<void>;
  createPartitions(options: CreatePartitionsOptions): Promise<boolean>;
  fetchTopicMetadata(options?: {
    readonly topics?: readonly string[];
  }): Promise<{ topics: ITopicMetadata[] }>;
  fetchOffsets(options: {
    readonly groupId: string;
    readonly topics?: readonly string[];
    readonly resolveOffsets?: boolean;
  }): Promise<{ topic: string; partitions: FetchOffsetsPartition[] }[]>;
  fetchTopicOffsets(topic: string): Promise<(SeekEntry & { high: string; low: string })[]>;
  fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<SeekEntry[]>;
  describeCluster(): Promise<{
    brokers: { nodeId: number; host: string; port: number }[];
    controller: number | null;
    clusterId: string | null;
  }>;
  setOffsets(options: {
    readonly groupId: string;
    readonly topic: string;
    readonly partitions: readonly SeekEntry[];
  }): Promise<void>;
  resetOffsets(options: {
    readonly groupId: string;
    readonly topic: string;
    readonly earliest?: boolean;
  }): Promise<void>;
  describeConfigs(options: {
    readonly resources: readonly ResourceConfigQuery[];
    readonly includeSynonyms?: boolean;
  }): Promise<DescribeConfigResponse>;
  alterConfigs(options: {
    readonly validateOnly?: boolean;
    readonly resources: readonly IResourceConfig[];
  }): Promise<AlterConfigsResponse>;
  listGroups(): Promise<{ groups: GroupOverview[] }>;
  deleteGroups(groupIds: readonly string[]): Promise<DeleteGroupsResult[]>;
  describeGroups(groupIds: readonly string[]): Promise<GroupDescriptions>;
  describeAcls(filter: AclFilter): Promise<{ resources: DescribeAclResource[] }>;
  deleteAcls(options: {
    readonly filters: readonly AclFilter[];
  }): Promise<{ filterResponses: DeleteAclFilterResponses[] }>;
  createAcls(options: { readonly acl: readonly AclEntry[] }): Promise<boolean>;
  deleteTopicRecords(options: {
    readonly topic: string;
    readonly partitions: readonly SeekEntry[];
  }): Promise<void>;
  alterPartitionReassignments(options: {
    readonly topics: readonly PartitionReassignment[];
    readonly timeout?: number;
  }): Promise<void>;
  listPartitionReassignments(options?: {
    readonly topics?: readonly TopicPartitions[] | null;
    readonly timeout?: number;
  }): Promise<{ topics: OngoingTopicReassignment[] }>;
  logger(): Logger;
  on(
    eventName: AdminEvents['CONNECT'] | AdminEvents['DISCONNECT'],
    listener: (event: InstrumentationEvent<null>) => void,
  ): Remove;
  on(eventName: AdminEvents['REQUEST'], listener: (event: RequestEvent) => void): Remove;
  on(eventName: AdminEvents['REQUEST_TIMEOUT'], listener: (event: RequestTimeoutEvent) => void): Remove;
  on(eventName: AdminEvents['REQUEST_QUEUE_SIZE'], listener: (event: RequestQueueSizeEvent) => void): Remove;
  readonly events: AdminEvents;
}
