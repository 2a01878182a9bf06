// DescribeLogDirs: the data directories with the size of each partition in them (KIP-113).
//
// v2 is flexible, v3 has an error of its own, v4 tells total and usable space (KIP-827), v5 whether new
// partitions are kept out of a directory (KIP-1066), which this broker cannot be asked to.
import type { PartitionLog } from '@odradek/core/log/partition-log.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { describeLogDirsApi } from '@odradek/protocol/generated/apis/describe-log-dirs.ts';
import type { DescribeLogDirsRequest } from '@odradek/protocol/generated/describe-log-dirs-request.ts';
import type {
  DescribeLogDirsResponseInput,
  DescribeLogDirsResponseTopicInput,
} from '@odradek/protocol/generated/describe-log-dirs-response.ts';
import type { Handler, RequestContext } from './handler.ts';

/** The replica is not in use here: how far it should be is not known. */
const UNKNOWN_LAG = -1;

export const describeLogDirsHandler: Handler<DescribeLogDirsRequest, DescribeLogDirsResponseInput> = {
  api: describeLogDirsApi,
  versionMin: 0,
  versionMax: 5,

  handle(request, context) {
    const isWanted = selection(request);
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      results: context.broker.logs.byDirectory().map(({ path, hasFailed, logs }) =>
        hasFailed
          ? { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: path, topics: [] }
          : {
              errorCode: ErrorCode.NONE,
              logDir: path,
              topics: byTopic(logs.filter(isWanted), context),
              ...context.broker.diskSpace(path),
            },
      ),
    };
  },

  failed(_request, errorCode) {
    return { throttleTimeMs: 0, errorCode, results: [] };
  },
};

/** Null means all; an empty list means none. */
function selection(request: DescribeLogDirsRequest): (log: PartitionLog) => boolean {
  if (request.topics === null) return () => true;
  const wanted = new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  return (log) => wanted.get(log.topic)?.has(log.partition) ?? false;
}

function byTopic(
  logs: readonly PartitionLog[],
  context: RequestContext,
): DescribeLogDirsResponseTopicInput[] {
  const topics = Map.groupBy(logs, (log) => log.topic);
  return [...topics].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map((log) => ({
      partitionIndex: log.partition,
      partitionSize: log.sizeBytes,
      ...placeOf(log, context),
    })),
  }));
}

/** What a log lacks: of what is committed, or, on its way to another directory, of what is to be moved. */
function placeOf(log: PartitionLog, { broker }: RequestContext): { offsetLag: number; isFutureKey: boolean } {
  const { topic, partition, logEndOffset } = log;
  const isFutureKey = broker.logs.futures.get(topic, partition) === log;
  const current = broker.replicas.partition(topic, partition)?.log;
  if (current === undefined || current.isOffline) return { offsetLag: UNKNOWN_LAG, isFutureKey };
  const lag = isFutureKey
    ? current.logEndOffset - logEndOffset
    : Math.max(current.highWatermark - logEndOffset, 0);
  return { offsetLag: lag, isFutureKey };
}
