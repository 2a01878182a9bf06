// OffsetDelete: takes back committed offsets that no member of the group lives by (KIP-496).
//
// v0 only.
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { offsetDeleteApi } from '@odradek/protocol/generated/apis/offset-delete.ts';
import type { OffsetDeleteRequest } from '@odradek/protocol/generated/offset-delete-request.ts';
import type { OffsetDeleteResponseInput } from '@odradek/protocol/generated/offset-delete-response.ts';
import type { Handler, RequestContext } from './handler.ts';
import { onceKnown } from './once-known.ts';

export const offsetDeleteHandler: Handler<OffsetDeleteRequest, OffsetDeleteResponseInput> = {
  api: offsetDeleteApi,
  versionMin: 0,
  versionMax: 0,

  handle(request, context) {
    const items = itemsOf(request, context);
    const known = items.filter(({ errorCode }) => errorCode === ErrorCode.NONE);
    const answer = context.broker.groups.request({
      kind: 'offset-delete',
      groupId: request.groupId,
      partitions: known,
    });
    return onceKnown(answer, ({ errorCode, errorCodes }) => {
      if (errorCode !== ErrorCode.NONE) return refused(errorCode);
      known.forEach((item, i) => (item.errorCode = errorCodes[i]!));
      return toResponse(request, items);
    });
  },

  failed(_request, errorCode) {
    return refused(errorCode);
  },
};

interface Item {
  readonly topic: string;
  readonly partition: number;
  errorCode: number;
}

function itemsOf(request: OffsetDeleteRequest, { broker }: RequestContext): Item[] {
  return request.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex }) => ({
      topic: name,
      partition: partitionIndex,
      errorCode:
        broker.metadata.partition(name, partitionIndex) === undefined
          ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
          : ErrorCode.NONE,
    })),
  );
}

function toResponse({ topics }: OffsetDeleteRequest, items: readonly Item[]): OffsetDeleteResponseInput {
  let next = 0;
  return {
    errorCode: ErrorCode.NONE,
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: items[next++]!.errorCode,
      })),
    })),
  };
}

function refused(errorCode: number): OffsetDeleteResponseInput {
  return { errorCode, throttleTimeMs: 0, topics: [] };
}
