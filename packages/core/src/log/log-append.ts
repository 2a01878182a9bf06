import { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import type { LogConfig } from './log-config.ts';
import type { AppendOrigin, TargetCompression, ValidationSettings } from './validation-settings.ts';

export interface AppendOptions {
  /** Written into the batches. */
  readonly leaderEpoch: number;
  readonly origin: AppendOrigin;
  /** Version of the produce request that brought the records, whose rules then apply. */
  readonly requestVersion?: number;
}

export interface LogAppendInfo {
  /** -1 when there was nothing to append. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The broker's time that the records got, -1 when they keep the producer's. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** The batch had been appended before; the offsets are those that it got then. */
  readonly isDuplicate: boolean;
  /** Bytes written. */
  readonly sizeBytes: number;
  /** Records written; 0 where nobody counted them (replication). */
  readonly recordCount: number;
}

/** The answer to an append of nothing; `logStartOffset` is the log's. */
export const NOTHING_APPENDED = {
  firstOffset: -1,
  lastOffset: -1,
  logAppendTimeMs: -1,
  isDuplicate: false,
  sizeBytes: 0,
  recordCount: 0,
} as const;

const COMPRESSION: Record<LogConfig['compressionType'], TargetCompression['type']> = {
  producer: 'producer',
  uncompressed: CompressionType.NONE,
  gzip: CompressionType.GZIP,
  snappy: CompressionType.SNAPPY,
  lz4: CompressionType.LZ4,
  zstd: CompressionType.ZSTD,
};

/** The rules for an append to a log of these settings that ends at `nextOffset`. */
export function validationSettingsOf(
  config: LogConfig,
  options: AppendOptions,
  nextOffset: number,
  nowMs: number,
): ValidationSettings {
  const type = COMPRESSION[config.compressionType];
  return {
    origin: options.origin,
    requestVersion: options.requestVersion ?? null,
    nextOffset,
    partitionLeaderEpoch: options.leaderEpoch,
    nowMs,
    timestampType: config.messageTimestampType === 'LogAppendTime' ? 'log-append' : 'create',
    timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
    timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
    isCompacted: config.cleanupCompact,
    compression: config.compressionLevel === null ? { type } : { type, level: config.compressionLevel },
    maxMessageBytes: config.maxMessageBytes,
  };
}
