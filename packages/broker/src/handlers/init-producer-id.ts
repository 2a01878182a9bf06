// InitProducerId: an id by which an idempotent producer is known to all partitions.
//
// v1 changes nothing, v2 is flexible, v3 lets a transactional producer keep its id (KIP-360), v4 names the error
// PRODUCER_FENCED, v5 changes transactions only. Transactional producers are not served here and told so.
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import type { InitProducerIdRequest } from '@odradek/protocol/generated/init-producer-id-request.ts';
import type { InitProducerIdResponseInput } from '@odradek/protocol/generated/init-producer-id-response.ts';
import type { Handler } from './handler.ts';

const NO_PRODUCER = -1;

export const initProducerIdHandler: Handler<InitProducerIdRequest, InitProducerIdResponseInput> = {
  api: initProducerIdApi,
  versionMin: 0,
  versionMax: 5,

  async handle(request, context) {
    if (request.transactionalId !== null || !namesProducerWhollyOrNotAtAll(request)) {
      return this.failed(request, ErrorCode.INVALID_REQUEST, context);
    }
    const producerId = await context.broker.producerIds.next();
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
  },

  failed(_request, errorCode) {
    return { throttleTimeMs: 0, errorCode, producerId: NO_PRODUCER, producerEpoch: -1 };
  },
};

function namesProducerWhollyOrNotAtAll(request: InitProducerIdRequest): boolean {
  return (request.producerId === NO_PRODUCER) === (request.producerEpoch === -1);
}
