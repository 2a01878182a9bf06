import { array, field, message, struct } from './notation.ts';

const leaderChangeMessageVoter = struct('Voter', [
  field('voterId', 'int32'),
  field('voterDirectoryId', 'uuid', { versions: '1+' }),
]);

export const controlRecordTypeSchemaSchema = message('ControlRecordTypeSchema', {
  versions: '0',
  fields: [field('type', 'int16')],
});

export const endTxnMarkerSchema = message('EndTxnMarker', {
  versions: '0',
  fields: [field('coordinatorEpoch', 'int32')],
});

export const leaderChangeMessageSchema = message('LeaderChangeMessage', {
  versions: '0-1',
  flexible: '0+',
  fields: [
    field('version', 'int16'),
    field('leaderId', 'int32'),
    field('voters', array(leaderChangeMessageVoter)),
    field('grantingVoters', array(leaderChangeMessageVoter)),
  ],
});

export const snapshotHeaderRecordSchema = message('SnapshotHeaderRecord', {
  versions: '0',
  flexible: '0+',
  fields: [field('version', 'int16'), field('lastContainedLogTimestamp', 'int64')],
});

export const snapshotFooterRecordSchema = message('SnapshotFooterRecord', {
  versions: '0',
  flexible: '0+',
  fields: [field('version', 'int16')],
});

export const kRaftVersionRecordSchema = message('KRaftVersionRecord', {
  versions: '0',
  flexible: '0+',
  fields: [field('version', 'int16'), field('kRaftVersion', 'int16')],
});

export const votersRecordSchema = message('VotersRecord', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('version', 'int16'),
    field(
      'voters',
      array(
        struct('Voter', [
          field('voterId', 'int32'),
          field('voterDirectoryId', 'uuid'),
          field(
            'endpoints',
            array(
              struct('Endpoint', [field('name', 'string'), field('host', 'string'), field('port', 'uint16')]),
            ),
          ),
          field(
            'kRaftVersionFeature',
            struct('KRaftVersionFeature', [
              field('minSupportedVersion', 'int16'),
              field('maxSupportedVersion', 'int16'),
            ]),
          ),
        ]),
      ),
    ),
  ],
});
