/** How compaction is done, for all logs of a broker. */
export interface CleanerSettings {
  /** `log.cleaner.dedupe.buffer.size`: memory for the map of keys, 24 bytes a key; taken while it is needed. */
  readonly dedupeBufferSizeBytes: number;
  /** `log.cleaner.io.buffer.load.factor`: how full the map may become, above 0 and at most 1. */
  readonly loadFactor: number;
  /** `log.cleaner.io.buffer.size`: read at a time. */
  readonly ioBufferSizeBytes: number;
  /** `log.cleaner.io.max.bytes.per.second`, read and written; Infinity for no limit. */
  readonly ioMaxBytesPerSecond: number;
  /** `log.cleaner.backoff.ms`: pause when there is nothing to compact, or when it failed. */
  readonly backoffMs: number;
}

/** Kafka 3.9's defaults. */
export const DEFAULT_CLEANER_SETTINGS: CleanerSettings = {
  dedupeBufferSizeBytes: 128 * 1024 * 1024,
  loadFactor: 0.9,
  ioBufferSizeBytes: 512 * 1024,
  ioMaxBytesPerSecond: Infinity,
  backoffMs: 15_000,
};
