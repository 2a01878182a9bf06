import { api, array, field, struct } from './notation.ts';

export const alterUserScramCredentialsSchema = api(51, 'AlterUserScramCredentials', {
  versions: '0',
  flexible: '0+',
  request: [
    field(
      'deletions',
      array(struct('ScramCredentialDeletion', [field('name', 'string'), field('mechanism', 'int8')])),
    ),
    field(
      'upsertions',
      array(
        struct('ScramCredentialUpsertion', [
          field('name', 'string'),
          field('mechanism', 'int8'),
          field('iterations', 'int32'),
          field('salt', 'bytes'),
          field('saltedPassword', 'bytes'),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'results',
      array(
        struct('Result', [
          field('user', 'string'),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
        ]),
      ),
    ),
  ],
});
