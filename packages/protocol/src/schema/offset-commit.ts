import { api, array, field, struct } from './notation.ts';

export const offsetCommitSchema = api(8, 'OffsetCommit', {
  versions: '0-10',
  flexible: '8+',
  request: [
    field('groupId', 'string'),
    field('generationIdOrMemberEpoch', 'int32', { versions: '1+', default: -1, ignorable: true }),
    field('memberId', 'string', { versions: '1+', ignorable: true }),
    field('groupInstanceId', 'string', { versions: '7+', nullable: true, default: null }),
    field('retentionTimeMs', 'int64', { versions: '2-4', default: -1, ignorable: true }),
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string', { versions: '0-9', ignorable: true }),
          field('topicId', 'uuid', { versions: '10+', ignorable: true }),
          field(
            'partitions',
            array(
              struct('Partition', [
                field('partitionIndex', 'int32'),
                field('committedOffset', 'int64'),
                field('committedLeaderEpoch', 'int32', { versions: '6+', default: -1, ignorable: true }),
                field('commitTimestamp', 'int64', { versions: '1', default: -1 }),
                field('committedMetadata', 'string', { nullable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '3+', ignorable: true }),
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string', { versions: '0-9', ignorable: true }),
          field('topicId', 'uuid', { versions: '10+', ignorable: true }),
          field(
            'partitions',
            array(struct('Partition', [field('partitionIndex', 'int32'), field('errorCode', 'int16')])),
          ),
        ]),
      ),
    ),
  ],
});
