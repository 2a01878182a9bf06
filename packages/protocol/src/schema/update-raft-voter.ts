import { api, array, field, struct } from './notation.ts';

export const updateRaftVoterSchema = api(82, 'UpdateRaftVoter', {
  versions: '0',
  flexible: '0+',
  request: [
    field('clusterId', 'string', { nullable: true }),
    field('currentLeaderEpoch', 'int32'),
    field('voterId', 'int32'),
    field('voterDirectoryId', 'uuid'),
    field(
      'listeners',
      array(struct('Listener', [field('name', 'string'), field('host', 'string'), field('port', 'uint16')])),
    ),
    field(
      'kRaftVersionFeature',
      struct('KRaftVersionFeature', [
        field('minSupportedVersion', 'int16'),
        field('maxSupportedVersion', 'int16'),
      ]),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field(
      'currentLeader',
      struct('CurrentLeader', [
        field('leaderId', 'int32', { default: -1 }),
        field('leaderEpoch', 'int32', { default: -1 }),
        field('host', 'string'),
        field('port', 'int32'),
      ]),
      { tag: 0 },
    ),
  ],
});
