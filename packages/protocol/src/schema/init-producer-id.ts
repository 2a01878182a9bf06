import { api, field } from './notation.ts';

export const initProducerIdSchema = api(22, 'InitProducerId', {
  versions: '0-6',
  flexible: '2+',
  request: [
    field('transactionalId', 'string', { nullable: true }),
    field('transactionTimeoutMs', 'int32'),
    field('producerId', 'int64', { versions: '3+', default: -1 }),
    field('producerEpoch', 'int16', { versions: '3+', default: -1 }),
    field('enable2Pc', 'bool', { versions: '6+', default: false }),
    field('keepPreparedTxn', 'bool', { versions: '6+', default: false }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { ignorable: true }),
    field('errorCode', 'int16'),
    field('producerId', 'int64', { default: -1 }),
    field('producerEpoch', 'int16'),
    field('ongoingTxnProducerId', 'int64', { versions: '6+', default: -1 }),
    field('ongoingTxnProducerEpoch', 'int16', { versions: '6+', default: -1 }),
  ],
});
