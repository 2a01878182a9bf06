import type { MetadataUpdate } from '@odradek/core/controller/metadata-updates.ts';
import type { LogManager } from '@odradek/core/log/log-manager.ts';
import type { ControllerOrders } from '@odradek/core/replication/controller-orders.ts';
import type { FetchSessions } from '@odradek/core/replication/fetch-sessions.ts';
import type { Clock, Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Random } from '@odradek/core/ports/random.ts';
import type { DiskSpace } from './adapters/disk-space.ts';
import type { BrokerConfig } from './config/broker-config.ts';
import type { ConfigService } from './config/config-service.ts';
import type { GroupService } from './groups/group-service.ts';
import type { MetadataView } from './topics/metadata-view.ts';
import type { ProducerIdService } from './producer-ids.ts';
import type { ReplicaManager } from '@odradek/core/replication/replica-manager.ts';
import type { WorkQueue } from './server/work-queue.ts';
import type { TopicService } from './topics/topic-service.ts';

/** The parts of one broker, as its handlers see them. Wired in `broker.ts`; two brokers share nothing. */
export interface BrokerServices {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: LogSink;
  /** Static configuration with the dynamic broker settings laid over it. */
  readonly config: BrokerConfig;
  /** Describes and changes topic and broker settings; keeps the dynamic ones in the coordination tree. */
  readonly configs: ConfigService;
  /** What this broker knows of the cluster: brokers, controller, topics, partitions. */
  readonly metadata: MetadataView;
  /** Creates, deletes and grows topics. */
  readonly topics: TopicService;
  /** The partitions that live here, and everything parked on them. */
  readonly replicas: ReplicaManager;
  /** What the controller orders, where that is another broker. */
  readonly orders: ControllerOrders;
  /** What the controller tells of the cluster, where that is another broker; in steps. */
  readonly takeMetadata: (update: MetadataUpdate) => Generator<void, void>;
  /** Orders of the controller that take long, one after the other. */
  readonly orderWork: WorkQueue;
  /** Answers that take long. */
  readonly answerWork: WorkQueue;
  /** The incremental fetch sessions of readers. */
  readonly fetchSessions: FetchSessions;
  /** The log directories. */
  readonly logs: LogManager;
  /** Bytes of the file system behind a log directory. */
  diskSpace(directory: string): DiskSpace;
  /** Consumer groups and their offsets. */
  readonly groups: GroupService;
  /** Hands out producer ids. */
  readonly producerIds: ProducerIdService;
  /** Has a broker that has slept through the end of its session cease to lead before it takes another request. */
  noticeSessionEnd(): void;
}
