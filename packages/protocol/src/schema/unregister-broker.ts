import { api, field } from './notation.ts';

export const unregisterBrokerSchema = api(64, 'UnregisterBroker', {
  versions: '0',
  flexible: '0+',
  request: [field('brokerId', 'int32')],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
  ],
});
