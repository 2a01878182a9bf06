import type { LogConfig } from '@odradek/core/log/log-config.ts';
import type { Clock } from '@odradek/core/ports/clock.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { BrokerConfig } from './broker-config.ts';
import type { LoadedBrokerConfig } from './load-broker-config.ts';
import type { Properties } from './server-properties.ts';
import type { BrokerLayers } from './broker-layers.ts';
import { brokerSettingOf } from './broker-settings.ts';
import { changedSettings, refuseMalformed } from './config-changes.ts';
import type { ConfigResource } from './config-resource.ts';
import { ConfigResourceType, resourceText } from './config-resource.ts';
import type { ConfigOutcome, ConfigService, DescribedResource, SettingChange } from './config-service.ts';
import { ConfigOperation } from './config-service.ts';
import type { StoredConfig } from './config-store.ts';
import { ConfigStore, isCode } from './config-store.ts';
import type { EntityPath } from './config-tree.ts';
import { brokerEntity, CLUSTER_DEFAULT, topicEntity, topicOfEntity } from './config-tree.ts';
import { checkDynamicSettings, dynamicReading, usableDynamicSettings } from './dynamic-broker-rules.ts';
import type { DescribedSetting } from './setting-description.ts';
import { describeBroker, describeClusterDefault, describeTopic } from './setting-description.ts';
import { InvalidSetting, parseSettingValue } from './setting-value.ts';
import { type DynamicOnlyName, dynamicOnlySettings } from './settings/dynamic-only.ts';
import type { TopicSettingName, TopicSettingValue } from './topic-config.ts';
import {
  checkTopicSettings,
  logConfigOf,
  readableSettings,
  topicSetting,
  topicSettingsForCreation,
  topicSettingValue,
} from './topic-config.ts';

export interface ConfigServiceParts {
  /** With the broker's final id. Its `config` object gets new values as settings change. */
  readonly loaded: LoadedBrokerConfig;
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly topicExists: (topic: string) => boolean;
}

/** Writers that collide read again and try anew, so often. */
const ATTEMPTS_MAX = 20;

/**
 * Reads all dynamic settings, lays them over the static ones and follows their changes from here on.
 * @throws CoordinationError when the tree cannot be read
 */
export async function openConfigService(parts: ConfigServiceParts): Promise<ConfigService> {
  const service = new LiveConfigService(parts);
  await service.open();
  return service;
}

class LiveConfigService implements ConfigService {
  readonly #config: BrokerConfig;
  readonly #fixed: Properties;
  readonly #parts: ConfigServiceParts;
  readonly #store: ConfigStore;
  readonly #topics = new Map<string, StoredConfig>();
  readonly #topicListeners = new Set<(topic: string) => void>();
  readonly #brokerListeners = new Set<() => void>();
  #broker: StoredConfig = NOTHING_STORED;
  #clusterDefault: StoredConfig = NOTHING_STORED;
  #lastNotice = '';
  #following: Promise<void> = Promise.resolve();

  constructor(parts: ConfigServiceParts) {
    this.#parts = parts;
    this.#config = parts.loaded.config;
    this.#fixed = parts.loaded.properties;
    this.#store = new ConfigStore(parts.coordination);
  }

  async open(): Promise<void> {
    await this.#store.prepare();
    await this.#followFromHere();
    for (const topic of await this.#store.topics())
      this.#topics.set(topic, await this.#store.readTopic(topic));
  }

  async readAnew(): Promise<void> {
    await this.#followFromHere();
    const existing = new Set(await this.#store.topics());
    for (const topic of [...this.#topics.keys()]) {
      await this.#refresh(topicEntity(topic));
      // Its settings are read when it is heard of again: it may have been made anew.
      if (!existing.has(topic)) this.#topics.delete(topic);
    }
  }

  async #followFromHere(): Promise<void> {
    const notices = await this.#store.notices(() => this.#follow());
    this.#lastNotice = notices.toSorted().at(-1) ?? '';
    this.#parts.coordination.onSession((state) => {
      if (state === 'connected') this.#follow();
    });
    await this.#refresh(CLUSTER_DEFAULT);
    await this.#refresh(brokerEntity(this.#config.brokerId));
  }

  topicOverrides(topic: string): Properties {
    return this.#topics.get(topic)?.settings ?? {};
  }

  topicValue<Name extends TopicSettingName>(topic: string, name: Name): TopicSettingValue<Name> {
    const own = readableSettings(this.topicOverrides(topic));
    return topicSettingValue(name, this.#config, own) as TopicSettingValue<Name>;
  }

  dynamicValue(name: DynamicOnlyName): number {
    const setting = dynamicOnlySettings[name];
    const text = this.#broker.settings[name] ?? this.#clusterDefault.settings[name];
    return text === undefined ? setting.default : (parseSettingValue(name, setting, text) as number);
  }

  logConfig(topic: string): LogConfig {
    return logConfigOf(this.#config, this.topicOverrides(topic));
  }

  topicSettingsForCreation(
    settings: readonly { readonly name: string; readonly value: string | null }[],
  ): Properties {
    return topicSettingsForCreation(settings, this.#config);
  }

  topicCreated(topic: string, settings: Properties): void {
    this.#topics.set(topic, { ...NOTHING_STORED, settings });
  }

  learnTopics(topics: readonly string[]): Promise<void> | null {
    const unknown = topics.filter((topic) => !this.#topics.has(topic));
    return unknown.length === 0 ? null : this.#learn(unknown);
  }

  async #learn(topics: readonly string[]): Promise<void> {
    const read = topics.map(async (topic) => [topic, await this.#store.readTopic(topic)] as const);
    for (const [topic, stored] of await Promise.all(read)) {
      // A change that was noticed meanwhile is newer.
      if (this.#topics.has(topic)) continue;
      this.#topics.set(topic, stored);
      if (Object.keys(stored.settings).length > 0) this.#tellTopic(topic);
    }
  }

  topicDeleted(topic: string): void {
    this.#topics.delete(topic);
  }

  onTopicChange(listener: (topic: string) => void): () => void {
    this.#topicListeners.add(listener);
    return () => this.#topicListeners.delete(listener);
  }

  onBrokerChange(listener: () => void): () => void {
    this.#brokerListeners.add(listener);
    return () => this.#brokerListeners.delete(listener);
  }

  describeTopicSettings(settings: Properties): readonly DescribedSetting[] {
    return describeTopic(settings, this.#config, this.#layers());
  }

  describe(resource: ConfigResource, names: readonly string[] | null): DescribedResource {
    try {
      const all = this.#describeAll(resource);
      const wanted =
        names === null || names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
      return { resource, errorCode: ErrorCode.NONE, errorMessage: '', settings: wanted };
    } catch (error) {
      return { ...this.#outcomeOf(resource, error), settings: [] };
    }
  }

  #describeAll({ type, name }: ConfigResource): readonly DescribedSetting[] {
    switch (type) {
      case ConfigResourceType.TOPIC:
        if (!this.#parts.topicExists(name)) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, '');
        return this.describeTopicSettings(this.topicOverrides(name));
      case ConfigResourceType.BROKER:
        if (name === '') return describeClusterDefault(this.#layers());
        this.#refuseOtherBroker('Broker', name, ' or empty string');
        return describeBroker(this.#layers());
      default:
        throw new KafkaError(ErrorCode.INVALID_REQUEST, cannotDescribe(type, name));
    }
  }

  alter(
    resources: readonly (ConfigResource & {
      readonly settings: readonly Omit<SettingChange, 'operation'>[];
    })[],
    validateOnly: boolean,
  ): Promise<readonly ConfigOutcome[]> {
    return this.#changeAll(
      resources.map(({ type, name, settings }) => ({
        resource: { type, name },
        changes: settings.map((setting) => ({ ...setting, operation: ConfigOperation.SET })),
        keep: false,
      })),
      validateOnly,
    );
  }

  incrementalAlter(
    resources: readonly (ConfigResource & { readonly changes: readonly SettingChange[] })[],
    validateOnly: boolean,
  ): Promise<readonly ConfigOutcome[]> {
    return this.#changeAll(
      resources.map(({ type, name, changes }) => ({ resource: { type, name }, changes, keep: true })),
      validateOnly,
    );
  }

  async #changeAll(orders: readonly ChangeOrder[], validateOnly: boolean): Promise<readonly ConfigOutcome[]> {
    const outcomes: ConfigOutcome[] = [];
    for (const order of orders) {
      const same = orders.filter((other) => isSameResource(other.resource, order.resource));
      outcomes.push(await this.#attempt(order, same.length > 1, validateOnly));
    }
    return outcomes;
  }

  async #attempt(order: ChangeOrder, isRepeated: boolean, validateOnly: boolean): Promise<ConfigOutcome> {
    try {
      if (isRepeated)
        throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.');
      refuseMalformed(order.changes);
      await this.#change(this.#entityOf(order.resource), order, validateOnly);
      return { resource: order.resource, ...NO_ERROR };
    } catch (error) {
      return this.#outcomeOf(order.resource, error);
    }
  }

  #entityOf({ type, name }: ConfigResource): EntityPath {
    switch (type) {
      case ConfigResourceType.TOPIC:
        if (name === '')
          throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Default topic resources are not allowed.');
        if (!this.#parts.topicExists(name)) {
          throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
        }
        return topicEntity(name);
      case ConfigResourceType.BROKER:
        if (name === '') return CLUSTER_DEFAULT;
        this.#refuseOtherBroker('Node', name, '');
        return brokerEntity(this.#config.brokerId);
      default:
        throw new KafkaError(ErrorCode.INVALID_REQUEST, cannotAlter(type));
    }
  }

  /** Reads, changes, checks, writes; from the start when somebody else wrote in between. */
  async #change(entity: EntityPath, order: ChangeOrder, validateOnly: boolean): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const before = await this.#store.read(entity);
      const settings = changedSettings(order.keep ? before.settings : {}, order.changes, settingsOf(entity));
      this.#check(entity, settings);
      if (validateOnly) return;
      try {
        this.#apply(entity, await this.#store.replace(entity, before, settings));
        return;
      } catch (error) {
        if (attempt === ATTEMPTS_MAX || !isCode(error, 'BADVERSION', 'NODEEXISTS', 'NONODE')) throw error;
      }
    }
  }

  #check(entity: EntityPath, settings: Properties): void {
    if (topicOfEntity(entity) !== null) checkTopicSettings(settings, this.#config);
    else checkDynamicSettings(settings, entity !== CLUSTER_DEFAULT, this.#layersWith(entity, settings));
  }

  /** Reads notices that came since, one after the other; never at the same time twice. */
  #follow(): void {
    this.#following = this.#following
      .then(() => this.#readNotices())
      .catch((error: unknown) => {
        this.#parts.log.error('Changes of settings could not be read', { error });
      });
  }

  async #readNotices(): Promise<void> {
    const names = (await this.#store.notices(() => this.#follow())).toSorted();
    const known: { name: string; createdMs: number }[] = [];
    for (const name of names) {
      const notice = await this.#store.readNotice(name);
      if (notice === null) continue;
      known.push({ name, createdMs: notice.createdMs });
      if (name > this.#lastNotice && notice.entity !== null) await this.#refresh(notice.entity);
    }
    this.#lastNotice = names.at(-1) ?? this.#lastNotice;
    await this.#store.removeOld(known, this.#parts.clock.now());
  }

  async #refresh(entity: EntityPath): Promise<void> {
    if (this.#isOurs(entity)) this.#apply(entity, await this.#store.read(entity));
  }

  #isOurs(entity: EntityPath): boolean {
    const topic = topicOfEntity(entity);
    if (topic !== null) return this.#parts.topicExists(topic);
    return entity === CLUSTER_DEFAULT || entity === brokerEntity(this.#config.brokerId);
  }

  /** Makes settings count that are in the tree. Older ones than those known come too late. */
  #apply(entity: EntityPath, stored: StoredConfig): void {
    const topic = topicOfEntity(entity);
    if (topic === null) this.#applyBroker(entity, stored);
    else this.#applyTopic(topic, stored);
  }

  #applyTopic(topic: string, stored: StoredConfig): void {
    const before = this.#topics.get(topic) ?? NOTHING_STORED;
    if (stored.zxid <= before.zxid) return;
    this.#topics.set(topic, stored);
    if (!isSameSettings(before.settings, stored.settings)) this.#tellTopic(topic);
  }

  #applyBroker(entity: EntityPath, stored: StoredConfig): void {
    const before = entity === CLUSTER_DEFAULT ? this.#clusterDefault : this.#broker;
    if (stored.zxid <= before.zxid) return;
    const isPerBroker = entity !== CLUSTER_DEFAULT;
    const { usable, refused } = usableDynamicSettings(stored.settings, isPerBroker, (settings) =>
      this.#layersWith(entity, settings),
    );
    if (refused.length > 0)
      this.#parts.log.error('Dynamic settings are ignored: not allowed', { entity, refused });
    const kept = { ...stored, settings: usable };
    if (isPerBroker) this.#broker = kept;
    else this.#clusterDefault = kept;
    const { config } = dynamicReading(this.#layers());
    if (config === null || isSameSettings(before.settings, usable)) return;
    Object.assign(this.#config, config, { brokerId: this.#config.brokerId, nodeId: this.#config.nodeId });
    for (const listener of this.#brokerListeners) listener();
  }

  #tellTopic(topic: string): void {
    for (const listener of this.#topicListeners) listener(topic);
  }

  #layers(): BrokerLayers {
    return {
      dynamic: this.#broker.settings,
      dynamicDefault: this.#clusterDefault.settings,
      fixed: this.#fixed,
    };
  }

  #layersWith(entity: EntityPath, settings: Properties): BrokerLayers {
    const layers = this.#layers();
    return entity === CLUSTER_DEFAULT
      ? { ...layers, dynamicDefault: settings }
      : { ...layers, dynamic: settings };
  }

  #refuseOtherBroker(word: string, name: string, orElse: string): void {
    const id = this.#config.brokerId;
    if (!/^[+-]?\d+$/.test(name)) {
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `${word} id must be an integer, but it is: ${name}`);
    }
    if (Number(name) === id) return;
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Unexpected broker id, expected ${id}${orElse}, but received ${name}`,
    );
  }

  #outcomeOf(resource: ConfigResource, error: unknown): ConfigOutcome {
    if (error instanceof KafkaError) return { resource, errorCode: error.code, errorMessage: error.message };
    if (error instanceof InvalidSetting) return invalidSetting(resource, error);
    if (isCode(error, 'CONNECTIONLOSS', 'SESSIONEXPIRED')) {
      return {
        resource,
        errorCode: ErrorCode.REQUEST_TIMED_OUT,
        errorMessage: 'The coordination service did not answer',
      };
    }
    this.#parts.log.error('Settings could not be described or changed', {
      resource: resourceText(resource),
      error,
    });
    return { resource, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: null };
  }
}

/** One resource of a request. */
interface ChangeOrder {
  readonly resource: ConfigResource;
  readonly changes: readonly SettingChange[];
  /** Whether settings that are not named stay. */
  readonly keep: boolean;
}

const NO_ERROR = { errorCode: ErrorCode.NONE, errorMessage: null };

const NOTHING_STORED: StoredConfig = { settings: {}, version: -1, zxid: -1 };

/** Kafka answers a bad value of a broker by another code than one of a topic. */
function invalidSetting(resource: ConfigResource, error: InvalidSetting): ConfigOutcome {
  if (resource.type === ConfigResourceType.BROKER) {
    return { resource, errorCode: ErrorCode.INVALID_REQUEST, errorMessage: error.message };
  }
  const errorMessage = `Invalid config value for resource ${resourceText(resource)}: ${error.message}`;
  return { resource, errorCode: ErrorCode.INVALID_CONFIG, errorMessage };
}

function cannotDescribe(type: number, name: string): string {
  switch (type) {
    case ConfigResourceType.BROKER_LOGGER:
      return name === '' ? 'Broker id must not be empty' : NO_LOG_LEVELS;
    case ConfigResourceType.CLIENT_METRICS:
      if (name === '') return 'Client metrics subscription name must not be empty';
      return 'Config type client-metrics is only supported on KRaft clusters';
    case ConfigResourceType.GROUP:
      return name === ''
        ? 'Group name must not be empty'
        : 'Config type groups is only supported on KRaft clusters';
    default:
      return `Unknown resource type ${type}`;
  }
}

function cannotAlter(type: number): string {
  switch (type) {
    case ConfigResourceType.BROKER_LOGGER:
      return NO_LOG_LEVELS;
    case ConfigResourceType.CLIENT_METRICS:
      return 'AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS';
    default:
      return `Unknown resource type ${type}`;
  }
}

const NO_LOG_LEVELS =
  'Log levels cannot be described or changed: the resource type BROKER_LOGGER is not supported';

function settingsOf(entity: EntityPath): typeof topicSetting {
  return topicOfEntity(entity) === null ? brokerSettingOf : topicSetting;
}

function isSameResource(one: ConfigResource, other: ConfigResource): boolean {
  return one.type === other.type && one.name === other.name;
}

function isSameSettings(one: Properties, other: Properties): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
