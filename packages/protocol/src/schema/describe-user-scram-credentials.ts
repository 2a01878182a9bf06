import { api, array, field, struct } from './notation.ts';

export const describeUserScramCredentialsSchema = api(50, 'DescribeUserScramCredentials', {
  versions: '0',
  flexible: '0+',
  request: [field('users', array(struct('UserName', [field('name', 'string')])), { nullable: true })],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
    field(
      'results',
      array(
        struct('Result', [
          field('user', 'string'),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
          field(
            'credentialInfos',
            array(struct('CredentialInfo', [field('mechanism', 'int8'), field('iterations', 'int32')])),
          ),
        ]),
      ),
    ),
  ],
});
