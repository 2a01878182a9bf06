import { api, field } from './notation.ts';

export const addOffsetsToTxnSchema = api(25, 'AddOffsetsToTxn', {
  versions: '0-4',
  flexible: '3+',
  request: [
    field('transactionalId', 'string'),
    field('producerId', 'int64'),
    field('producerEpoch', 'int16'),
    field('groupId', 'string'),
  ],
  response: [field('throttleTimeMs', 'int32'), field('errorCode', 'int16')],
});
