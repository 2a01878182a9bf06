import {
  isFault,
  type TopicCreation,
  type TopicFault,
  type TopicGrowth,
} from '@odradek/core/controller/topic-request.ts';
import { Controller } from '@odradek/core/controller/controller.ts';
import type { BrokerChannels } from '@odradek/core/controller/broker-channels.ts';
import type { TopicPartition } from '@odradek/core/controller/controller-term.ts';
import type { AskedMove, ElectionOutcome, ElectionType } from '@odradek/core/controller/leader-changes.ts';
import type { TopicOutcome } from '@odradek/core/controller/topic-changes.ts';
import type { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import type {
  AskingBroker,
  PartitionProposal,
  ProposalOutcome,
} from '@odradek/core/controller/leader-requests.ts';
import { topicNameFault } from '@odradek/core/controller/topic-name.ts';
import type { Clock, Timers } from '@odradek/core/ports/clock.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Random } from '@odradek/core/ports/random.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { BrokerConfig } from '../config/broker-config.ts';
import type { ConfigService } from '../config/config-service.ts';
import { internalTopicCreation } from './internal-topics.ts';

export interface TopicServiceParts {
  readonly coordination: Coordination;
  readonly state: ClusterState;
  readonly channels: BrokerChannels;
  /** Where another broker is the controller: null when it made the topic. */
  createThroughController(creation: TopicCreation): Promise<TopicFault | null>;
  readonly config: Pick<
    BrokerConfig,
    | 'brokerId'
    | 'numPartitions'
    | 'defaultReplicationFactor'
    | 'uncleanLeaderElectionEnable'
    | 'autoLeaderRebalanceEnable'
    | 'leaderImbalanceCheckIntervalSeconds'
    | 'leaderImbalancePerBrokerPercentage'
    | 'offsetsTopicNumPartitions'
    | 'offsetsTopicReplicationFactor'
    | 'offsetsTopicSegmentBytes'
    | 'transactionStateLogNumPartitions'
    | 'transactionStateLogReplicationFactor'
    | 'transactionStateLogMinIsr'
    | 'transactionStateLogSegmentBytes'
  >;
  readonly configs: Pick<
    ConfigService,
    | 'topicSettingsForCreation'
    | 'topicCreated'
    | 'topicDeleted'
    | 'topicOverrides'
    | 'onTopicChange'
    | 'onBrokerChange'
  >;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: LogSink;
}

/**
 * Creates, grows and deletes topics and moves their leaders. When a promise resolves, the coordination tree holds
 * the change, the metadata shows it and the partitions can be used: nobody has to ask again (pitfall 36).
 */
export class TopicService {
  private readonly parts: TopicServiceParts;
  /** Of the session that the broker has now; what that of an earlier one still does comes to nothing. */
  private controller: Controller;
  private readonly deletionListeners: ((topics: readonly string[]) => void)[] = [];
  /** Creations under way that nobody asked for by CreateTopics: many requests wait for one. */
  private readonly creating = new Map<string, Promise<TopicFault | null>>();

  constructor(parts: TopicServiceParts) {
    this.parts = parts;
    this.controller = this.controllerIn(parts.coordination);
    // What the controller asks for is in force by now (F71).
    parts.configs.onTopicChange((topic) => this.controller.electionSettingsChanged(topic));
    parts.configs.onBrokerChange(() => this.controller.electionSettingsChanged(null));
  }

  private controllerIn(coordination: Coordination): Controller {
    const { parts } = this;
    const { config, configs } = parts;
    return new Controller({
      nodeId: config.brokerId,
      coordination,
      state: parts.state,
      channels: parts.channels,
      clock: parts.clock,
      timers: parts.timers,
      random: parts.random,
      log: parts.log,
      defaults: () => ({
        partitionCount: config.numPartitions,
        replicationFactor: config.defaultReplicationFactor,
      }),
      balance: () => ({
        isEnabled: config.autoLeaderRebalanceEnable,
        intervalMs: config.leaderImbalanceCheckIntervalSeconds * 1000,
        toleratedPercent: config.leaderImbalancePerBrokerPercentage,
      }),
      notices: {
        topicSettings: (topic, settings) => {
          if (settings === null) configs.topicDeleted(topic);
          else configs.topicCreated(topic, Object.fromEntries(settings));
        },
      },
      settings: {
        fault: (settings) => this.settingsFault(settings),
        allowsUncleanElection: (topic) => this.allowsUncleanElection(topic),
      },
    });
  }

  /**
   * Becomes the controller, finishes what was cut off, and gives the broker its partitions. The broker must have
   * registered before.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.controller.start((error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** The same in a new session, after the one before is over. The broker must have registered in it. */
  startIn(session: Coordination): Promise<void> {
    this.controller = this.controllerIn(session);
    return this.start();
  }

  get isController(): boolean {
    return this.controller.isActive;
  }

  /** Runs after topics are gone, with their names. */
  onTopicsDeleted(listener: (topics: readonly string[]) => void): void {
    this.deletionListeners.push(listener);
  }

  /** Topics are gone: the controller said so, here or in another broker. */
  topicsDeleted(names: readonly string[]): void {
    if (names.length > 0) for (const listener of this.deletionListeners) listener(names);
  }

  /** One outcome per topic, by name; names must differ. */
  createTopics(
    creations: readonly TopicCreation[],
    validateOnly: boolean,
  ): Promise<ReadonlyMap<string, TopicOutcome>> {
    return new Promise((resolve) => this.controller.createTopics(creations, validateOnly, resolve));
  }

  /** Null for each topic that grew. */
  createPartitions(
    growths: readonly TopicGrowth[],
    validateOnly: boolean,
  ): Promise<ReadonlyMap<string, TopicFault | null>> {
    return new Promise((resolve) => this.controller.growTopics(growths, validateOnly, resolve));
  }

  /** Null for each topic that is gone. */
  deleteTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicFault | null>> {
    return new Promise((resolve) => {
      this.controller.deleteTopics(names, (outcomes) => {
        const deleted = [...outcomes].filter(([, fault]) => fault === null).map(([name]) => name);
        this.topicsDeleted(deleted);
        resolve(outcomes);
      });
    });
  }

  electLeaders(type: ElectionType, partitions: readonly TopicPartition[]): Promise<ElectionOutcome[]> {
    return new Promise((resolve) => this.controller.electLeaders(type, partitions, resolve));
  }

  /** @returns what stood against each, in the order asked for; null: begun, done, or nothing to do */
  reassign(moves: readonly AskedMove[]): Promise<(TopicFault | null)[]> {
    return new Promise((resolve) => this.controller.reassign(moves, resolve));
  }

  /** A leader wants other in-sync sets: an error code for all, or one outcome for each. */
  alterPartitions(
    broker: AskingBroker,
    proposals: readonly PartitionProposal[],
  ): Promise<{ errorCode: number; outcomes: readonly ProposalOutcome[] }> {
    return new Promise((resolve) =>
      this.controller.alterPartitions(broker, proposals, (errorCode, outcomes) =>
        resolve({ errorCode, outcomes }),
      ),
    );
  }

  /** A broker is about to stop: an error code, or the partitions that nobody else can lead. */
  relieve(broker: AskingBroker): Promise<{ errorCode: number; remaining: readonly TopicPartition[] }> {
    return new Promise((resolve) =>
      this.controller.relieve(broker, (errorCode, remaining) => resolve({ errorCode, remaining })),
    );
  }

  /**
   * Creates topics that a client asked about (auto.create.topics.enable), with the broker's defaults; internal ones
   * with their own. Null per topic: it is there now, whoever made it.
   */
  async autoCreate(names: readonly string[]): Promise<ReadonlyMap<string, TopicFault | null>> {
    const faults = await Promise.all(names.map((name) => this.ensureTopic(name)));
    return new Map(names.map((name, i) => [name, faults[i]!]));
  }

  /** Makes an internal topic if it is not there. @throws KafkaError when it cannot be made */
  async ensureInternalTopic(name: string): Promise<void> {
    const fault = await this.ensureTopic(name);
    if (fault !== null) throw new KafkaError(fault.errorCode, fault.errorMessage);
  }

  private ensureTopic(name: string): Promise<TopicFault | null> {
    const nameFault = topicNameFault(name);
    if (nameFault !== null)
      return Promise.resolve({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: nameFault });
    if (this.parts.state.topic(name) !== undefined) return Promise.resolve(null);
    const underWay = this.creating.get(name);
    if (underWay !== undefined) return underWay;
    const creation = this.createOne(name).finally(() => this.creating.delete(name));
    this.creating.set(name, creation);
    return creation;
  }

  private async createOne(name: string): Promise<TopicFault | null> {
    const { config, log } = this.parts;
    const creation = internalTopicCreation(name, config) ?? {
      name,
      partitionCount: config.numPartitions,
      replicationFactor: config.defaultReplicationFactor,
      assignments: [],
      settings: new Map(),
    };
    const fault = this.isController
      ? faultIn((await this.createTopics([creation], false)).get(name)!)
      : await this.parts.createThroughController(creation);
    if (fault === null || fault.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return null;
    log.warn('a topic could not be created on demand', { topic: name, reason: fault.errorMessage });
    return fault;
  }

  private settingsFault(settings: ReadonlyMap<string, string>): string | null {
    try {
      this.parts.configs.topicSettingsForCreation([...settings].map(([name, value]) => ({ name, value })));
      return null;
    } catch (error) {
      if (error instanceof KafkaError) return error.message;
      throw error;
    }
  }

  private allowsUncleanElection(topic: string): boolean {
    const own = this.parts.configs.topicOverrides(topic)['unclean.leader.election.enable'];
    return own === undefined ? this.parts.config.uncleanLeaderElectionEnable : own === 'true';
  }
}

function faultIn(outcome: TopicOutcome): TopicFault | null {
  return isFault(outcome) ? outcome : null;
}
