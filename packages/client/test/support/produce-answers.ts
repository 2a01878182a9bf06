import type { ProduceRequest } from '@odradek/protocol/generated/produce-request.ts';
import { decodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';

export function batchesOf(request: ProduceRequest): { partition: number; records: Buffer }[] {
  return request.topicData.flatMap(({ partitionData }) =>
    partitionData.map(({ index, records }) => ({ partition: index, records: records! })),
  );
}

export function valuesOf(records: Buffer): string[] {
  return decodeRecordBatch(records).map(({ value }) => String(value));
}

export type PartitionAnswer = { errorCode: number; baseOffset: number } & Record<string, unknown>;

export function answerTo(
  request: ProduceRequest,
  each: (partition: number, records: Buffer) => PartitionAnswer,
): object {
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index, records }) => ({ index, ...each(index, records!) })),
    })),
  };
}
