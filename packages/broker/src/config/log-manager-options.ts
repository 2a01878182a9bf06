import type { CleanerSettings } from '@odradek/core/log/cleaner/cleaner-settings.ts';
import type { BrokerConfig } from './broker-config.ts';
import type { ConfigService } from './config-service.ts';

/** What the logs of a broker go by. */
export function logManagerOptions(config: BrokerConfig, configs: ConfigService) {
  return {
    configOf: (topic: string) => configs.logConfig(topic),
    moveBytesPerSecond: () => configs.dynamicValue('replica.alter.log.dirs.io.max.bytes.per.second'),
    retentionCheckIntervalMs: config.logRetentionCheckIntervalMs,
    flushCheckIntervalMs: config.logFlushSchedulerIntervalMs,
    recoveryPointIntervalMs: config.logFlushOffsetCheckpointIntervalMs,
    logStartOffsetIntervalMs: config.logFlushStartOffsetCheckpointIntervalMs,
    highWatermarkIntervalMs: config.replicaHighWatermarkCheckpointIntervalMs,
    producerExpirationIntervalMs: config.producerIdExpirationCheckIntervalMs,
    cleaner: config.logCleanerEnable ? () => cleanerSettings(config) : null,
  };
}

/** Numbers that make no sense, which Kafka takes, are taken for the nearest that do. */
function cleanerSettings(config: BrokerConfig): CleanerSettings {
  return {
    dedupeBufferSizeBytes: config.logCleanerDedupeBufferSize,
    loadFactor: Math.max(config.logCleanerIoBufferLoadFactor, 0.01),
    ioBufferSizeBytes: config.logCleanerIoBufferSize,
    ioMaxBytesPerSecond: Math.max(config.logCleanerIoMaxBytesPerSecond, 1),
    backoffMs: config.logCleanerBackoffMs,
  };
}
