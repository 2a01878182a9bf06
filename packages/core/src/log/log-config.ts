/** The settings of one log: the topic's own where it has any, else the broker's. Names as in Kafka, camel case. */
export interface LogConfig {
  /** `segment.bytes`: a segment is closed before it grows past this; 14 to 2^31 - 1. */
  readonly segmentBytes: number;
  /** `segment.ms`: a segment is closed this long after its first batch's time, 1 or more. */
  readonly segmentMs: number;
  /** `segment.jitter.ms`: at most this much is taken off `segmentMs`, at random per segment, so that not all roll at once. */
  readonly segmentJitterMs: number;
  /** `segment.index.bytes`: size limit of the offset index and of the time index; a full one closes the segment. */
  readonly segmentIndexBytes: number;
  /** `index.interval.bytes`: about how many bytes of log lie between two index entries. */
  readonly indexIntervalBytes: number;
  /** `flush.messages`: records after which the log is synced to disk; Infinity for never. */
  readonly flushMessages: number;
  /** `flush.ms`: age of unsynced data after which the log is synced; Infinity for never. */
  readonly flushMs: number;
  /** `retention.bytes`: size that the log may keep, -1 for no limit. */
  readonly retentionBytes: number;
  /** `retention.ms`: age that a record may reach, -1 for no limit. */
  readonly retentionMs: number;
  /** `file.delete.delay.ms`: how long a removed file stays under its `.deleted` name. */
  readonly fileDeleteDelayMs: number;
  /** `cleanup.policy` has `delete`. */
  readonly cleanupDelete: boolean;
  /** `cleanup.policy` has `compact`: every record must have a key. */
  readonly cleanupCompact: boolean;
  /** `min.cleanable.dirty.ratio`: share of bytes never compacted from which the log is, 0 to 1. */
  readonly minCleanableDirtyRatio: number;
  /** `delete.retention.ms`: how long tombstones and transaction markers stay after they were first compacted. */
  readonly deleteRetentionMs: number;
  /** `min.compaction.lag.ms`: a record younger than this is not compacted. */
  readonly minCompactionLagMs: number;
  /** `max.compaction.lag.ms`: a record older than this must be compacted; Infinity for no limit. */
  readonly maxCompactionLagMs: number;
  /** `max.message.bytes`: largest batch, as stored. */
  readonly maxMessageBytes: number;
  /** `compression.type`: what batches are stored with; `producer` keeps what came. */
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** `compression.gzip.level` and its like, for the type above; null for the codec's own. */
  readonly compressionLevel: number | null;
  /** `message.timestamp.type`. */
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  /** `message.timestamp.before.max.ms`: how far a record's time may lie before the broker's; Infinity for no limit. */
  readonly messageTimestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`: how far a record's time may lie after the broker's; Infinity for no limit. */
  readonly messageTimestampAfterMaxMs: number;
  /** `producer.id.expiration.ms`: how long an idle producer's sequence numbers are remembered. */
  readonly producerIdExpirationMs: number;
}

/** Kafka 3.9's defaults. */
export const DEFAULT_LOG_CONFIG: LogConfig = {
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: 7 * 24 * 60 * 60 * 1000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  flushMessages: Infinity,
  flushMs: Infinity,
  retentionBytes: -1,
  retentionMs: 7 * 24 * 60 * 60 * 1000,
  fileDeleteDelayMs: 60_000,
  cleanupDelete: true,
  cleanupCompact: false,
  minCleanableDirtyRatio: 0.5,
  deleteRetentionMs: 24 * 60 * 60 * 1000,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Infinity,
  maxMessageBytes: 1024 * 1024 + 12,
  compressionType: 'producer',
  compressionLevel: null,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: Infinity,
  messageTimestampAfterMaxMs: 60 * 60 * 1000,
  producerIdExpirationMs: 24 * 60 * 60 * 1000,
};
