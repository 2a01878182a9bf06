import { api, array, field, struct } from './notation.ts';

export const addRaftVoterSchema = api(80, 'AddRaftVoter', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field('clusterId', 'string', { nullable: true }),
    field('timeoutMs', 'int32'),
    field('voterId', 'int32'),
    field('voterDirectoryId', 'uuid'),
    field(
      'listeners',
      array(struct('Listener', [field('name', 'string'), field('host', 'string'), field('port', 'uint16')])),
    ),
    field('ackWhenCommitted', 'bool', { versions: '1+', default: true }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, ignorable: true }),
  ],
});
