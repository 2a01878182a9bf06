import type { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import type { MetadataUpdate } from '@odradek/core/controller/metadata-updates.ts';
import { LogManager } from '@odradek/core/log/log-manager.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { DiskError } from '@odradek/core/ports/disk.ts';
import { ControllerOrders } from '@odradek/core/replication/controller-orders.ts';
import { FetchSessions } from '@odradek/core/replication/fetch-sessions.ts';
import { ReplicaManager } from '@odradek/core/replication/replica-manager.ts';
import type { BrokerGround } from './broker-ground.ts';
import type { BrokerServices } from './broker-services.ts';
import { ClusterPeers } from './cluster/cluster-peers.ts';
import { ControllerChannels } from './cluster/controller-channels.ts';
import { partitionSettings, readPreference, replicationQuotas } from './cluster/replication-settings.ts';
import { createThroughController } from './cluster/topic-forwarding.ts';
import { openConfigService } from './config/live-config-service.ts';
import { logManagerOptions } from './config/log-manager-options.ts';
import { GroupRuntime } from './groups/group-runtime.ts';
import { LegacyOffsets } from './groups/legacy-offsets.ts';
import type { Machine } from './machine.ts';
import { ProducerIdService } from './producer-ids.ts';
import { WorkQueue } from './server/work-queue.ts';
import { MetadataView } from './topics/metadata-view.ts';
import { TopicService } from './topics/topic-service.ts';

/** What the parts of a broker ask of the broker itself, whose life in the cluster may end and begin anew. */
export interface BrokerLife {
  /** Of its present life, -1 between two. */
  brokerEpoch(): number;
  /** Orders for an earlier life than this are none. */
  orderedFromEpoch(): number;
  /** The session of its present life. */
  readonly session: Coordination;
  noticeSessionEnd(): void;
  directoryFailed(): void;
  allDirectoriesFailed(cause: DiskError): void;
  takeMetadata(update: MetadataUpdate): Generator<void, void>;
}

export interface AssemblyParts {
  readonly ground: BrokerGround;
  readonly machine: Machine;
  /** Goes on from session to session. */
  readonly coordination: Coordination;
  readonly state: ClusterState;
  readonly life: BrokerLife;
}

export interface AssembledBroker {
  readonly services: BrokerServices & { readonly groups: GroupRuntime };
  readonly peers: ClusterPeers;
}

/** Makes all parts of a broker and hands each what it needs. Nothing runs yet. */
export async function assembleBroker(parts: AssemblyParts): Promise<AssembledBroker> {
  const { ground, coordination, state, life } = parts;
  const { clock, timers, random, codecs, sockets, openFilesMax } = parts.machine;
  const { loaded, log, disk } = ground;
  const { config } = loaded;
  const topicExists = (topic: string) => state.topic(topic) !== undefined;
  const configs = await openConfigService({ loaded, coordination, clock, log, topicExists });
  const logs = new LogManager(
    { disk, clock, timers, random, codecs, log },
    {
      ...logManagerOptions(config, configs),
      directories: ground.dataDirectories,
      openFilesMax: openFilesMax(),
      ...(ground.coldReads === undefined ? {} : { coldReads: ground.coldReads }),
      onDirectoryFailed: () => life.directoryFailed(),
      onAllDirectoriesFailed: (error) => life.allDirectoriesFailed(error),
    },
  );
  const quotas = replicationQuotas(config, configs, clock);
  const preference = readPreference(config, state);
  const peers = new ClusterPeers({
    config,
    state,
    clock,
    timers,
    random,
    sockets,
    log,
    brokerEpoch: () => life.brokerEpoch(),
    askHere: (broker, proposals) => topics.alterPartitions(broker, proposals),
    followerQuota: quotas.follower,
    progressed: () => replicas.wakeWaiting(),
  });
  const replicas = new ReplicaManager({
    nodeId: config.brokerId,
    logs,
    clock,
    timers,
    log,
    peers,
    lagMaxMs: () => config.replicaLagTimeMaxMs,
    settingsOf: (topic) => partitionSettings(config, configs, topic),
    leaderQuota: quotas.leader,
    ...(preference === undefined ? {} : { readPreference: preference }),
  });
  configs.onTopicChange((topic) => replicas.settingsChanged(topic));
  configs.onBrokerChange(() => replicas.defaultSettingsChanged());
  const metadata = new MetadataView(state);
  const orders = new ControllerOrders({ replicas, logs, log, brokerEpoch: () => life.orderedFromEpoch() });
  const orderWork = new WorkQueue(clock, timers);
  const topics: TopicService = new TopicService({
    coordination: life.session,
    state,
    channels: controllerChannels(parts, orders, orderWork, peers),
    createThroughController: (creation) =>
      createThroughController(
        {
          peers: peers.ways,
          controllerId: () => state.controllerId,
          timeoutMs: () => config.controllerSocketTimeoutMs,
        },
        creation,
      ),
    config,
    configs,
    clock,
    timers,
    random,
    log,
  });
  const groups = new GroupRuntime({
    clock,
    timers,
    random,
    log,
    config,
    replicas,
    metadata,
    topics,
    legacyOffsets: new LegacyOffsets(coordination),
  });
  const services: AssembledBroker['services'] = {
    clock,
    timers,
    random,
    log,
    config,
    configs,
    metadata,
    topics,
    replicas,
    orders,
    takeMetadata: (update) => life.takeMetadata(update),
    orderWork,
    answerWork: new WorkQueue(clock, timers),
    fetchSessions: new FetchSessions(config.maxIncrementalFetchSessionCacheSlots, clock, random),
    logs,
    diskSpace: (directory) => ground.diskSpace(directory),
    groups,
    producerIds: new ProducerIdService(coordination, config.brokerId, log),
    noticeSessionEnd: () => life.noticeSessionEnd(),
  };
  return { services, peers };
}

function controllerChannels(
  { ground, machine, state, life }: AssemblyParts,
  orders: ControllerOrders,
  orderWork: WorkQueue,
  peers: ClusterPeers,
): ControllerChannels {
  const { log, loaded } = ground;
  return new ControllerChannels({
    nodeId: loaded.config.brokerId,
    orders,
    orderWork,
    brokerEpoch: () => life.brokerEpoch(),
    peers: peers.ways,
    timers: machine.timers,
    log,
    liveBrokers: () => [...state.brokers.values()],
    timeoutMs: () => loaded.config.controllerSocketTimeoutMs,
  });
}
