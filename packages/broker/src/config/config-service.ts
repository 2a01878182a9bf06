import type { LogConfig } from '@odradek/core/log/log-config.ts';
import type { Properties } from './server-properties.ts';
import type { ConfigResource } from './config-resource.ts';
import type { DescribedSetting } from './setting-description.ts';
import type { DynamicOnlyName } from './settings/dynamic-only.ts';
import type { TopicSettingName, TopicSettingValue } from './topic-config.ts';

/** How one setting is changed, as IncrementalAlterConfigs numbers it. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface SettingChange {
  readonly name: string;
  readonly value: string | null;
  /** One of ConfigOperation, or a number that means nothing. */
  readonly operation: number;
}

/** What came of one resource of a request. */
export interface ConfigOutcome {
  readonly resource: ConfigResource;
  /** 0, or what is wrong with this resource; others may be well. */
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export interface DescribedResource extends ConfigOutcome {
  readonly settings: readonly DescribedSetting[];
}

/**
 * The settings of topics and brokers: static ones from the file, dynamic ones from the coordination tree, where
 * every change is stored before it is answered. A change takes effect at once: the listeners have run, and
 * `BrokerServices.config` has the new values, before `alter` resolves.
 */
export interface ConfigService {
  /** A topic's own settings; none for a topic without. */
  topicOverrides(topic: string): Properties;

  /** One setting of a topic: its own value, else the broker's. */
  topicValue<Name extends TopicSettingName>(topic: string, name: Name): TopicSettingValue<Name>;

  /**
   * A setting that exists only while the broker runs: what was set for this broker, else for all, else the default.
   */
  dynamicValue(name: DynamicOnlyName): number;

  /** What a topic's logs go by: its own settings over the broker's. */
  logConfig(topic: string): LogConfig;

  /**
   * Checks the settings of a topic about to be created; null values are refused.
   * @throws KafkaError INVALID_CONFIG that says which name or value and what is allowed
   */
  topicSettingsForCreation(
    settings: readonly { readonly name: string; readonly value: string | null }[],
  ): Properties;

  /** To be told before the first log of a topic opens: its settings as they are in the tree. */
  topicCreated(topic: string, settings: Properties): void;

  /**
   * Reads what is not known yet of topics that other brokers have created.
   * @returns null when all are known
   * @throws CoordinationError
   */
  learnTopics(topics: readonly string[]): Promise<void> | null;

  /** The topic's node is gone. */
  topicDeleted(topic: string): void;

  /** Every setting of a topic that has these settings, as CreateTopics answers them. */
  describeTopicSettings(settings: Properties): readonly DescribedSetting[];

  /** @param names those that are asked for; null or empty: all; unknown ones are left out */
  describe(resource: ConfigResource, names: readonly string[] | null): DescribedResource;

  /**
   * AlterConfigs: each resource has the given settings afterwards and no others.
   * @param validateOnly whether to check only
   * @returns one outcome per resource, in order; never rejects for what a client sent
   */
  alter(
    resources: readonly (ConfigResource & {
      readonly settings: readonly Omit<SettingChange, 'operation'>[];
    })[],
    validateOnly: boolean,
  ): Promise<readonly ConfigOutcome[]>;

  /** IncrementalAlterConfigs: only the named settings change. */
  incrementalAlter(
    resources: readonly (ConfigResource & { readonly changes: readonly SettingChange[] })[],
    validateOnly: boolean,
  ): Promise<readonly ConfigOutcome[]>;

  /**
   * Reads everything anew and follows the changes from then on: in a new session with the tree, which knows nothing of
   * what was watched in the one before.
   * @throws CoordinationError
   */
  readAnew(): Promise<void>;

  /** Runs after the settings of a topic have changed. @returns takes the listener back */
  onTopicChange(listener: (topic: string) => void): () => void;

  /** Runs after settings of the broker have changed, which may change those of every topic. */
  onBrokerChange(listener: () => void): () => void;
}
