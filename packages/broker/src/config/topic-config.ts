import type { LogConfig } from '@odradek/core/log/log-config.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { BrokerConfig } from './broker-config.ts';
import type { Properties } from './server-properties.ts';
import type { Setting } from './setting.ts';
import type { SettingValue } from './setting-check.ts';
import { InvalidSetting, parseSettingValue, valueText } from './setting-value.ts';
import { LONG_MAX } from './settings/limits.ts';
import { topicSettings } from './settings/topic.ts';

export type TopicSettingName = keyof typeof topicSettings;

const ALL: ReadonlyMap<string, Setting> = new Map<string, Setting>(Object.entries(topicSettings));

/** What a topic setting's value is in the program. */
export type TopicSettingValue<Name extends TopicSettingName> = (typeof topicSettings)[Name]['default'];

export function topicSetting(name: string): Setting | null {
  return ALL.get(name) ?? null;
}

/** A topic setting's counterpart among the broker's, and its present value there. */
interface BrokerCounterpart {
  readonly name: string;
  readonly valueOf: (config: BrokerConfig) => SettingValue;
}

/**
 * What a topic without a value of its own has: the broker's value, under the strongest of its names. Settings that
 * are not here have no counterpart.
 */
const COUNTERPARTS: Partial<Record<TopicSettingName, BrokerCounterpart>> = {
  'cleanup.policy': { name: 'log.cleanup.policy', valueOf: (config) => config.logCleanupPolicy },
  'compression.type': { name: 'compression.type', valueOf: (config) => config.compressionType },
  'compression.gzip.level': {
    name: 'compression.gzip.level',
    valueOf: (config) => config.compressionGzipLevel,
  },
  'compression.lz4.level': { name: 'compression.lz4.level', valueOf: (config) => config.compressionLz4Level },
  'compression.zstd.level': {
    name: 'compression.zstd.level',
    valueOf: (config) => config.compressionZstdLevel,
  },
  'delete.retention.ms': {
    name: 'log.cleaner.delete.retention.ms',
    valueOf: (config) => config.logCleanerDeleteRetentionMs,
  },
  'file.delete.delay.ms': {
    name: 'log.segment.delete.delay.ms',
    valueOf: (config) => config.logSegmentDeleteDelayMs,
  },
  'flush.messages': {
    name: 'log.flush.interval.messages',
    valueOf: (config) => config.logFlushIntervalMessages,
  },
  'flush.ms': { name: 'log.flush.interval.ms', valueOf: (config) => config.logFlushIntervalMs },
  'index.interval.bytes': {
    name: 'log.index.interval.bytes',
    valueOf: (config) => config.logIndexIntervalBytes,
  },
  'local.retention.bytes': {
    name: 'log.local.retention.bytes',
    valueOf: (config) => config.logLocalRetentionBytes,
  },
  'local.retention.ms': { name: 'log.local.retention.ms', valueOf: (config) => config.logLocalRetentionMs },
  'max.compaction.lag.ms': {
    name: 'log.cleaner.max.compaction.lag.ms',
    valueOf: (config) => config.logCleanerMaxCompactionLagMs,
  },
  'max.message.bytes': { name: 'message.max.bytes', valueOf: (config) => config.messageMaxBytes },
  'message.downconversion.enable': {
    name: 'log.message.downconversion.enable',
    valueOf: (config) => config.logMessageDownconversionEnable,
  },
  // The broker's format is that of Kafka 3.0, whatever was set.
  'message.format.version': {
    name: 'log.message.format.version',
    valueOf: () => topicSettings['message.format.version'].default,
  },
  'message.timestamp.after.max.ms': {
    name: 'log.message.timestamp.after.max.ms',
    valueOf: (config) => config.logMessageTimestampAfterMaxMs,
  },
  'message.timestamp.before.max.ms': {
    name: 'log.message.timestamp.before.max.ms',
    valueOf: (config) => config.logMessageTimestampBeforeMaxMs,
  },
  'message.timestamp.difference.max.ms': {
    name: 'log.message.timestamp.difference.max.ms',
    valueOf: (config) => config.logMessageTimestampDifferenceMaxMs,
  },
  'message.timestamp.type': {
    name: 'log.message.timestamp.type',
    valueOf: (config) => config.logMessageTimestampType,
  },
  'min.cleanable.dirty.ratio': {
    name: 'log.cleaner.min.cleanable.ratio',
    valueOf: (config) => config.logCleanerMinCleanableRatio,
  },
  'min.compaction.lag.ms': {
    name: 'log.cleaner.min.compaction.lag.ms',
    valueOf: (config) => config.logCleanerMinCompactionLagMs,
  },
  'min.insync.replicas': { name: 'min.insync.replicas', valueOf: (config) => config.minInsyncReplicas },
  preallocate: { name: 'log.preallocate', valueOf: (config) => config.logPreallocate },
  'retention.bytes': { name: 'log.retention.bytes', valueOf: (config) => config.logRetentionBytes },
  'retention.ms': { name: 'log.retention.ms', valueOf: (config) => config.logRetentionMs },
  'segment.bytes': { name: 'log.segment.bytes', valueOf: (config) => config.logSegmentBytes },
  'segment.index.bytes': {
    name: 'log.index.size.max.bytes',
    valueOf: (config) => config.logIndexSizeMaxBytes,
  },
  'segment.jitter.ms': { name: 'log.roll.jitter.ms', valueOf: (config) => config.logRollJitterMs },
  'segment.ms': { name: 'log.roll.ms', valueOf: (config) => config.logRollMs },
  'unclean.leader.election.enable': {
    name: 'unclean.leader.election.enable',
    valueOf: (config) => config.uncleanLeaderElectionEnable,
  },
};

/** @returns the strongest name of the broker setting behind a topic setting, or null if it has none */
export function brokerCounterpart(name: string): string | null {
  return COUNTERPARTS[name as TopicSettingName]?.name ?? null;
}

/** The value that a topic has for a setting: its own, else the broker's, else the default. */
export function topicSettingValue(
  name: TopicSettingName,
  config: BrokerConfig,
  own: Properties,
): SettingValue {
  const text = own[name];
  if (text !== undefined) return parseSettingValue(name, topicSettings[name], text);
  const counterpart = COUNTERPARTS[name];
  return counterpart === undefined ? topicSettings[name].default : counterpart.valueOf(config);
}

/** The broker's value for a topic setting as text; null only where there is none. */
export function inheritedTopicSettingText(name: TopicSettingName, config: BrokerConfig): string | null {
  return valueText(topicSettings[name], topicSettingValue(name, config, {}));
}

/**
 * Checks the settings that a topic is to have.
 * @param own the topic's own settings, all that it will have
 * @throws KafkaError INVALID_CONFIG for an unknown name and for values that do not go together
 * @throws InvalidSetting for a value that its setting does not take
 */
export function checkTopicSettings(own: Properties, config: BrokerConfig): void {
  for (const [name, text] of Object.entries(own)) {
    const setting = topicSetting(name);
    if (setting === null)
      throw new KafkaError(ErrorCode.INVALID_CONFIG, `Unknown topic config name: ${name}`);
    parseSettingValue(name, setting, text);
  }
  refuseLagConflict(own, config);
  refuseTiering(own, config);
}

/**
 * Checks the settings of a topic that is being created.
 * @param settings names and values of the request
 * @returns them as properties
 * @throws KafkaError INVALID_CONFIG that says which name or value and what is allowed
 */
export function topicSettingsForCreation(
  settings: readonly { readonly name: string; readonly value: string | null }[],
  config: BrokerConfig,
): Properties {
  const nulls = settings.filter((setting) => setting.value === null).map((setting) => setting.name);
  if (nulls.length > 0) {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      `Null value not supported for topic configs: ${nulls.join(',')}`,
    );
  }
  const own = Object.fromEntries(settings.map(({ name, value }) => [name, value as string]));
  try {
    checkTopicSettings(own, config);
  } catch (error) {
    if (error instanceof InvalidSetting)
      throw new KafkaError(ErrorCode.INVALID_CONFIG, error.message, { cause: error });
    throw error;
  }
  return own;
}

function refuseLagConflict(own: Properties, config: BrokerConfig): void {
  const minimum = topicSettingValue('min.compaction.lag.ms', config, own) as number;
  const maximum = topicSettingValue('max.compaction.lag.ms', config, own) as number;
  if (minimum <= maximum) return;
  throw new KafkaError(
    ErrorCode.INVALID_CONFIG,
    `conflict topic config setting min.compaction.lag.ms (${minimum}) > max.compaction.lag.ms (${maximum})`,
  );
}

function refuseTiering(own: Properties, config: BrokerConfig): void {
  if (topicSettingValue('remote.storage.enable', config, own) === true) {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    );
  }
  const inKraftOnly: TopicSettingName[] = ['remote.log.delete.on.disable', 'remote.log.copy.disable'];
  if (inKraftOnly.some((name) => topicSettingValue(name, config, own) === true)) {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` under Zookeeper's mode.",
    );
  }
}

/**
 * The configuration of a topic's logs.
 * @param own the topic's own settings; a value that cannot be read counts as not set (it came past the checks)
 */
export function logConfigOf(config: BrokerConfig, own: Properties): LogConfig {
  const readable = readableSettings(own);
  const value = <Name extends TopicSettingName>(name: Name) =>
    topicSettingValue(name, config, readable) as TopicSettingValue<Name>;
  const cleanupPolicy = value('cleanup.policy');
  const difference = value('message.timestamp.difference.max.ms');
  const compressionType = value('compression.type') as LogConfig['compressionType'];
  return {
    segmentBytes: value('segment.bytes'),
    segmentMs: value('segment.ms'),
    segmentJitterMs: value('segment.jitter.ms'),
    segmentIndexBytes: value('segment.index.bytes'),
    indexIntervalBytes: value('index.interval.bytes'),
    flushMessages: unlimited(value('flush.messages')),
    flushMs: unlimited(value('flush.ms')),
    retentionBytes: value('retention.bytes'),
    retentionMs: value('retention.ms'),
    fileDeleteDelayMs: value('file.delete.delay.ms'),
    cleanupDelete: cleanupPolicy.includes('delete'),
    cleanupCompact: cleanupPolicy.includes('compact'),
    minCleanableDirtyRatio: value('min.cleanable.dirty.ratio'),
    deleteRetentionMs: value('delete.retention.ms'),
    minCompactionLagMs: value('min.compaction.lag.ms'),
    maxCompactionLagMs: unlimited(value('max.compaction.lag.ms')),
    maxMessageBytes: value('max.message.bytes'),
    compressionType,
    compressionLevel: compressionLevelOf(compressionType, value),
    messageTimestampType: value('message.timestamp.type') as LogConfig['messageTimestampType'],
    messageTimestampBeforeMaxMs: unlimited(
      unlessUnlimited(value('message.timestamp.before.max.ms'), difference),
    ),
    messageTimestampAfterMaxMs: unlimited(
      unlessUnlimited(value('message.timestamp.after.max.ms'), difference),
    ),
    producerIdExpirationMs: config.producerIdExpirationMs,
  };
}

/** lz4 has one level here. */
function compressionLevelOf(
  type: LogConfig['compressionType'],
  value: (name: 'compression.gzip.level' | 'compression.zstd.level') => number,
): number | null {
  if (type === 'gzip') return value('compression.gzip.level');
  return type === 'zstd' ? value('compression.zstd.level') : null;
}

/** Without what cannot be read: another program may have written anything into the tree. */
export function readableSettings(own: Properties): Properties {
  return Object.fromEntries(Object.entries(own).filter(([name, text]) => isReadable(name, text)));
}

function isReadable(name: string, text: string): boolean {
  const setting = topicSetting(name);
  if (setting === null) return false;
  try {
    parseSettingValue(name, setting, text);
    return true;
  } catch {
    return false;
  }
}

function unlimited(value: number): number {
  return value >= LONG_MAX ? Infinity : value;
}

/** The newer settings for before and after win over the older one for both, unless they have their default. */
function unlessUnlimited(value: number, older: number): number {
  return value >= LONG_MAX ? older : value;
}
