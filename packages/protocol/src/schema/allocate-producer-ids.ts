import { api, field } from './notation.ts';

export const allocateProducerIdsSchema = api(67, 'AllocateProducerIds', {
  versions: '0',
  flexible: '0+',
  request: [field('brokerId', 'int32'), field('brokerEpoch', 'int64', { default: -1 })],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('producerIdStart', 'int64'),
    field('producerIdLen', 'int32'),
  ],
});
