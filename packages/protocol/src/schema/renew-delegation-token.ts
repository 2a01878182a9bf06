import { api, field } from './notation.ts';

export const renewDelegationTokenSchema = api(39, 'RenewDelegationToken', {
  versions: '0-2',
  flexible: '2+',
  request: [field('hmac', 'bytes'), field('renewPeriodMs', 'int64')],
  response: [
    field('errorCode', 'int16'),
    field('expiryTimestampMs', 'int64'),
    field('throttleTimeMs', 'int32'),
  ],
});
