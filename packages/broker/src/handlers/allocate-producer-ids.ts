// AllocateProducerIds: a broker asks the controller for a block of producer ids (KIP-730).
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { allocateProducerIdsApi } from '@odradek/protocol/generated/apis/allocate-producer-ids.ts';
import type { AllocateProducerIdsRequest } from '@odradek/protocol/generated/allocate-producer-ids-request.ts';
import type { AllocateProducerIdsResponseInput } from '@odradek/protocol/generated/allocate-producer-ids-response.ts';
import type { Handler, RequestContext } from './handler.ts';

export const allocateProducerIdsHandler: Handler<
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponseInput
> = {
  api: allocateProducerIdsApi,
  versionMin: 0,
  versionMax: 0,

  async handle(request, context) {
    const errorCode = judgeAsker(request, context);
    if (errorCode !== ErrorCode.NONE) return this.failed(request, errorCode, context);
    const { first, last } = await context.broker.producerIds.blockFor(request.brokerId);
    return { throttleTimeMs: 0, errorCode, producerIdStart: first, producerIdLen: last - first + 1 };
  },

  failed(_request, errorCode) {
    return { throttleTimeMs: 0, errorCode, producerIdStart: 0, producerIdLen: 0 };
  },
};

function judgeAsker(
  { brokerId, brokerEpoch }: AllocateProducerIdsRequest,
  { broker }: RequestContext,
): number {
  if (!broker.topics.isController) return ErrorCode.NOT_CONTROLLER;
  const known = broker.metadata.brokerEpoch(brokerId);
  if (known === undefined) return ErrorCode.BROKER_ID_NOT_REGISTERED;
  return known === brokerEpoch ? ErrorCode.NONE : ErrorCode.STALE_BROKER_EPOCH;
}
