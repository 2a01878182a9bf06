import { array, field, message, struct } from './notation.ts';

const groupMetadataValueMemberMetadata = struct('MemberMetadata', [
  field('memberId', 'string'),
  field('groupInstanceId', 'string', { versions: '3+', nullable: true, default: null, ignorable: true }),
  field('clientId', 'string'),
  field('clientHost', 'string'),
  field('rebalanceTimeout', 'int32', { versions: '1+', default: -1, ignorable: true }),
  field('sessionTimeout', 'int32'),
  field('subscription', 'bytes'),
  field('assignment', 'bytes'),
]);

export const legacyOffsetCommitKeySchema = message('LegacyOffsetCommitKey', {
  versions: '0',
  recordType: 0,
  fields: [field('group', 'string'), field('topic', 'string'), field('partition', 'int32')],
});

export const legacyOffsetCommitValueSchema = message('LegacyOffsetCommitValue', {
  versions: '0',
  fields: [field('offset', 'int64'), field('metadata', 'string'), field('commitTimestamp', 'int64')],
});

export const offsetCommitKeySchema = message('OffsetCommitKey', {
  versions: '0',
  recordType: 1,
  fields: [field('group', 'string'), field('topic', 'string'), field('partition', 'int32')],
});

export const offsetCommitValueSchema = message('OffsetCommitValue', {
  versions: '0-4',
  flexible: '4+',
  fields: [
    field('offset', 'int64'),
    field('leaderEpoch', 'int32', { versions: '3+', default: -1, ignorable: true }),
    field('metadata', 'string'),
    field('commitTimestamp', 'int64'),
    field('expireTimestamp', 'int64', { versions: '1', default: -1, ignorable: true }),
    field('topicId', 'uuid', { versions: '4+', tag: 0, ignorable: true }),
  ],
});

export const groupMetadataKeySchema = message('GroupMetadataKey', {
  versions: '0',
  recordType: 2,
  fields: [field('group', 'string')],
});

export const groupMetadataValueSchema = message('GroupMetadataValue', {
  versions: '0-4',
  flexible: '4+',
  fields: [
    field('protocolType', 'string'),
    field('generation', 'int32'),
    field('protocol', 'string', { nullable: true }),
    field('leader', 'string', { nullable: true }),
    field('currentStateTimestamp', 'int64', { versions: '2+', default: -1, ignorable: true }),
    field('members', array(groupMetadataValueMemberMetadata)),
  ],
});
