import { api, field } from './notation.ts';

export const removeRaftVoterSchema = api(81, 'RemoveRaftVoter', {
  versions: '0',
  flexible: '0+',
  request: [
    field('clusterId', 'string', { nullable: true }),
    field('voterId', 'int32'),
    field('voterDirectoryId', 'uuid'),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, ignorable: true }),
  ],
});
