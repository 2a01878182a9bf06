import { api, array, field, struct } from './notation.ts';

export const describeDelegationTokenSchema = api(41, 'DescribeDelegationToken', {
  versions: '0-3',
  flexible: '2+',
  request: [
    field(
      'owners',
      array(struct('Owner', [field('principalType', 'string'), field('principalName', 'string')])),
      { nullable: true },
    ),
  ],
  response: [
    field('errorCode', 'int16'),
    field(
      'tokens',
      array(
        struct('DescribedDelegationToken', [
          field('principalType', 'string'),
          field('principalName', 'string'),
          field('tokenRequesterPrincipalType', 'string', { versions: '3+' }),
          field('tokenRequesterPrincipalName', 'string', { versions: '3+' }),
          field('issueTimestamp', 'int64'),
          field('expiryTimestamp', 'int64'),
          field('maxTimestamp', 'int64'),
          field('tokenId', 'string'),
          field('hmac', 'bytes'),
          field(
            'renewers',
            array(
              struct('DescribedDelegationTokenRenewer', [
                field('principalType', 'string'),
                field('principalName', 'string'),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field('throttleTimeMs', 'int32'),
  ],
});
