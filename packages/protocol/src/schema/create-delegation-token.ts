import { api, array, field, struct } from './notation.ts';

export const createDelegationTokenSchema = api(38, 'CreateDelegationToken', {
  versions: '0-3',
  flexible: '2+',
  request: [
    field('ownerPrincipalType', 'string', { versions: '3+', nullable: true }),
    field('ownerPrincipalName', 'string', { versions: '3+', nullable: true }),
    field(
      'renewers',
      array(
        struct('CreatableRenewers', [field('principalType', 'string'), field('principalName', 'string')]),
      ),
    ),
    field('maxLifetimeMs', 'int64'),
  ],
  response: [
    field('errorCode', 'int16'),
    field('principalType', 'string'),
    field('principalName', 'string'),
    field('tokenRequesterPrincipalType', 'string', { versions: '3+' }),
    field('tokenRequesterPrincipalName', 'string', { versions: '3+' }),
    field('issueTimestampMs', 'int64'),
    field('expiryTimestampMs', 'int64'),
    field('maxTimestampMs', 'int64'),
    field('tokenId', 'string'),
    field('hmac', 'bytes'),
    field('throttleTimeMs', 'int32'),
  ],
});
