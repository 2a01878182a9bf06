import type { CompressionType } from '@odradek/protocol/records/batch-header.ts';

/** Who appends: only batches of clients have to keep the rules for clients. */
export type AppendOrigin = 'client' | 'coordinator' | 'replication';

/** What a topic wants its batches to be compressed with: `producer` leaves the choice to the producer. */
export interface TargetCompression {
  readonly type: 'producer' | CompressionType;
  readonly level?: number;
}

export interface ValidationSettings {
  readonly origin: AppendOrigin;
  /** Version of the produce request, whose rules apply; null when the records did not come by one. */
  readonly requestVersion: number | null;
  /** The offset that the first record gets. */
  readonly nextOffset: number;
  readonly partitionLeaderEpoch: number;
  /** Wall-clock time, ms since 1970. */
  readonly nowMs: number;
  readonly timestampType: 'create' | 'log-append';
  /** How far before and after `nowMs` a record's timestamp may lie; Infinity for any. */
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** Records of a compacted topic must have a key. */
  readonly isCompacted: boolean;
  readonly compression: TargetCompression;
  /** Bound for each batch as it is stored. */
  readonly maxMessageBytes: number;
  /** Bound for what a compressed batch decodes to, 100 MiB unless given. */
  readonly decompressedMaxBytes?: number;
  /**
   * Whether compressed batches are decompressed and their records walked over, as Kafka does. Without it a
   * batch whose header is in order is believed, where no other setting asks for a look inside. True unless
   * given: a look costs about 50 µs for 16 KB of records and 1 to 2 ms for 1 MB (bench/records.ts), and keeps
   * out what no consumer could read.
   */
  readonly validateCompressed?: boolean;
}
