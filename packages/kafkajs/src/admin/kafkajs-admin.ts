import { Cluster } from '@odradek/client/index.ts';
import { clusterOptions, type KafkaConfig } from '../config.ts';
import { connecting } from '../connecting.ts';
import { translated } from '../error-translation.ts';
import type { DeleteGroupsResult } from '../errors.ts';
import { Instrumentation, type RemoveInstrumentationEventListener } from '../instrumentation.ts';
import type { Logger } from '../logging.ts';
import { networkEvents } from '../network-events.ts';
import { retryPlan, type RetryPlan } from '../retry-options.ts';
import { createAcls, deleteAcls, describeAcls } from './acls.ts';
import {
  ADMIN_EVENTS,
  type Admin,
  type AdminConfig,
  type AdminEvents,
  type AclFilter,
} from './admin-types.ts';
import { alterConfigs, describeConfigs } from './configs.ts';
import { deleteGroups, describeGroups, listGroups } from './groups.ts';
import {
  fetchOffsets,
  fetchTopicOffsets,
  fetchTopicOffsetsByTimestamp,
  resetOffsets,
  setOffsets,
} from './offsets.ts';
import { deleteTopicRecords } from './record-deletion.ts';
import { alterPartitionReassignments, listPartitionReassignments } from './reassignments.ts';
import { createPartitions, createTopics, deleteTopics, fetchTopicMetadata } from './topics.ts';

type Call<Name extends keyof Admin> = Admin[Name] extends (...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;

/** KafkaJS's admin over ours: what moves or cannot be reached is tried again, a refusal is told at once. */
export class KafkaJSAdmin implements Admin {
  private readonly config: KafkaConfig;
  private readonly options: AdminConfig;
  private readonly plan: RetryPlan;
  private readonly ownLogger: Logger;
  private readonly instrumentation: Instrumentation<AdminEvents>;
  private cluster: Cluster | null = null;

  constructor(config: KafkaConfig, logger: Logger, options: AdminConfig) {
    this.config = config;
    this.options = options;
    this.plan = retryPlan({ ...config.retry, ...options.retry });
    this.ownLogger = logger.namespace('Admin');
    this.instrumentation = new Instrumentation('admin', ADMIN_EVENTS, this.ownLogger);
  }

  get events(): AdminEvents {
    return this.instrumentation.events;
  }

  on(eventName: string, listener: (event: never) => void): RemoveInstrumentationEventListener {
    return this.instrumentation.on(eventName, listener);
  }

  logger(): Logger {
    return this.ownLogger;
  }

  async connect(): Promise<void> {
    await connecting(this.config, this.plan, async () => (await this.openCluster()).nodes());
    this.instrumentation.emit(this.events.CONNECT);
  }

  disconnect(): Promise<void> {
    this.cluster?.close();
    this.cluster = null;
    this.instrumentation.emit(this.events.DISCONNECT);
    return Promise.resolve();
  }

  listTopics: Call<'listTopics'> = () =>
    this.call(async (cluster) => (await fetchTopicMetadata(cluster, [])).topics.map(({ name }) => name));

  createTopics: Call<'createTopics'> = (options) => this.call((cluster) => createTopics(cluster, options));

  deleteTopics: Call<'deleteTopics'> = ({ topics, timeout }) =>
    this.call((cluster) => deleteTopics(cluster, topics, timeout));

  createPartitions: Call<'createPartitions'> = async (options) => {
    await this.call((cluster) => createPartitions(cluster, options));
    return true;
  };

  fetchTopicMetadata: Call<'fetchTopicMetadata'> = ({ topics } = {}) =>
    this.call((cluster) => fetchTopicMetadata(cluster, topics ?? []));

  fetchOffsets: Call<'fetchOffsets'> = ({ groupId, topics, resolveOffsets = false }) =>
    this.call((cluster) => fetchOffsets(cluster, { groupId, topics: topics ?? [], resolveOffsets }));

  fetchTopicOffsets: Call<'fetchTopicOffsets'> = (topic) =>
    this.call((cluster) => fetchTopicOffsets(cluster, topic));

  fetchTopicOffsetsByTimestamp: Call<'fetchTopicOffsetsByTimestamp'> = (topic, timestamp) =>
    this.call((cluster) => fetchTopicOffsetsByTimestamp(cluster, topic, timestamp));

  describeCluster: Call<'describeCluster'> = () =>
    this.call(async (cluster) => {
      await cluster.refresh([]);
      const { nodes, clusterId, controllerId } = cluster.metadata;
      const brokers = nodes.map(({ nodeId, host, port }) => ({ nodeId, host, port }));
      return { brokers, clusterId, controller: controllerId < 0 ? null : controllerId };
    });

  setOffsets: Call<'setOffsets'> = (options) => this.call((cluster) => setOffsets(cluster, options));

  resetOffsets: Call<'resetOffsets'> = ({ groupId, topic, earliest = false }) =>
    this.call((cluster) => resetOffsets(cluster, { groupId, topic, earliest }));

  describeConfigs: Call<'describeConfigs'> = ({ resources, includeSynonyms = false }) =>
    this.call((cluster) => describeConfigs(cluster, resources, includeSynonyms));

  alterConfigs: Call<'alterConfigs'> = ({ resources, validateOnly = false }) =>
    this.call((cluster) => alterConfigs(cluster, resources, validateOnly));

  listGroups: Call<'listGroups'> = () => this.call(listGroups);

  deleteGroups = (groupIds: readonly string[]): Promise<DeleteGroupsResult[]> =>
    this.call((cluster) => deleteGroups(cluster, groupIds));

  describeGroups: Call<'describeGroups'> = (groupIds) =>
    this.call((cluster) => describeGroups(cluster, groupIds));

  describeAcls = (filter: AclFilter): ReturnType<typeof describeAcls> =>
    this.call((cluster) => describeAcls(cluster, filter));

  deleteAcls: Call<'deleteAcls'> = ({ filters }) => this.call((cluster) => deleteAcls(cluster, filters));

  createAcls: Call<'createAcls'> = ({ acl }) => this.call((cluster) => createAcls(cluster, acl));

  deleteTopicRecords: Call<'deleteTopicRecords'> = (options) =>
    this.call((cluster) => deleteTopicRecords(cluster, options));

  alterPartitionReassignments: Call<'alterPartitionReassignments'> = ({ topics, timeout }) =>
    this.call((cluster) => alterPartitionReassignments(cluster, topics, timeout));

  listPartitionReassignments: Call<'listPartitionReassignments'> = ({ topics, timeout } = {}) =>
    this.call((cluster) => listPartitionReassignments(cluster, topics, timeout));

  private call<Result>(work: (cluster: Cluster) => Promise<Result>): Promise<Result> {
    return translated(async () => work(await this.openCluster()));
  }

  private async openCluster(): Promise<Cluster> {
    if (this.cluster !== null) return this.cluster;
    const options = await clusterOptions(this.config, {
      ...this.options,
      onExchange: networkEvents(this.instrumentation),
    });
    this.cluster ??= new Cluster(options);
    return this.cluster;
  }
}
