import { api, field } from './notation.ts';

export const expireDelegationTokenSchema = api(40, 'ExpireDelegationToken', {
  versions: '0-2',
  flexible: '2+',
  request: [field('hmac', 'bytes'), field('expiryTimePeriodMs', 'int64')],
  response: [
    field('errorCode', 'int16'),
    field('expiryTimestampMs', 'int64'),
    field('throttleTimeMs', 'int32'),
  ],
});
