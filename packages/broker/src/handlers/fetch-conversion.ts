import type { FetchPartitionResult } from '@odradek/core/replication/fetch-request.ts';
import type { FetchReading } from '@odradek/core/replication/read-partitions.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { ExternalRecords } from '@odradek/protocol/primitives/writer.ts';
import { downConvert } from '@odradek/protocol/records/convert.ts';
import type { RequestContext } from './handler.ts';

/** Fetch v0 and v1 read message format v0, v2 and v3 read v1, and from v4 on v2. */
const FORMAT_V1_FROM = 2;
const FORMAT_V2_FROM = 4;
const ZSTD_FROM = 10;

export interface ConvertedRecords {
  readonly errorCode: number;
  /** Null when there is nothing. */
  readonly records: Buffer | ExternalRecords | null;
}

/**
 * The records of a result in a form that a client of this version can read. Newer clients get the stretch of the
 * file as it is; for older ones it is read and rewritten, bounded by what they asked for.
 */
export function recordsForOldClient(result: FetchPartitionResult, context: RequestContext): ConvertedRecords {
  const { errorCode, records } = result;
  if (records === null || context.apiVersion >= ZSTD_FROM) return { errorCode, records };
  if (isZstdTopic(result, context)) {
    records.release();
    return { errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, records: null };
  }
  if (context.apiVersion >= FORMAT_V2_FROM) return { errorCode, records };
  if (!context.broker.configs.topicValue(result.request.topic, 'message.downconversion.enable')) {
    records.release();
    return { errorCode: ErrorCode.UNSUPPORTED_VERSION, records: null };
  }
  return rewritten(result, context.apiVersion >= FORMAT_V1_FROM ? 1 : 0);
}

/**
 * What has to be rewritten is needed whole, and is read off the loop first where it may have to come from the disk.
 * That reading fails shows when it is rewritten.
 *
 * @returns null when there is nothing to wait for
 */
export function storedForOldClient(reading: FetchReading, context: RequestContext): Promise<unknown> | null {
  if (context.apiVersion >= FORMAT_V2_FROM) return null;
  const slices = reading.results.map(({ records }) => records).filter((slice) => slice !== null);
  const cold = slices.filter((slice) => !slice.isFresh(0, slice.sizeBytes));
  if (cold.length === 0) return null;
  return Promise.all(cold.map((slice) => new Promise((resolve) => slice.bringIn(resolve))));
}

/** Clients before zstd are refused the whole topic, as soon as it is set to be stored that way. */
function isZstdTopic(result: FetchPartitionResult, context: RequestContext): boolean {
  const { topic, partition } = result.request;
  return context.broker.replicas.partition(topic, partition)?.log.config.compressionType === 'zstd';
}

function rewritten(result: FetchPartitionResult, toMagic: 0 | 1): ConvertedRecords {
  const records = result.records!;
  const { fetchOffset, maxBytes } = result.request;
  try {
    const stored = records.toBuffer();
    const converted = downConvert(stored, 0, stored.length, { toMagic, firstOffset: fetchOffset, maxBytes });
    return { errorCode: result.errorCode, records: converted };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { errorCode: error.code, records: null };
  } finally {
    records.release();
  }
}
