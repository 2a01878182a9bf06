import { api, array, field, struct } from './notation.ts';

export const txnOffsetCommitSchema = api(28, 'TxnOffsetCommit', {
  versions: '0-6',
  flexible: '3+',
  request: [
    field('transactionalId', 'string'),
    field('groupId', 'string'),
    field('producerId', 'int64'),
    field('producerEpoch', 'int16'),
    field('generationIdOrMemberEpoch', 'int32', { versions: '3+', default: -1 }),
    field('memberId', 'string', { versions: '3+', default: '' }),
    field('groupInstanceId', 'string', { versions: '3+', nullable: true, default: null }),
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string', { versions: '0-5', ignorable: true }),
          field('topicId', 'uuid', { versions: '6+', ignorable: true }),
          field(
            'partitions',
            array(
              struct('Partition', [
                field('partitionIndex', 'int32'),
                field('committedOffset', 'int64'),
                field('committedLeaderEpoch', 'int32', { versions: '2+', default: -1, ignorable: true }),
                field('committedMetadata', 'string', { nullable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string', { versions: '0-5', ignorable: true }),
          field('topicId', 'uuid', { versions: '6+', ignorable: true }),
          field(
            'partitions',
            array(struct('Partition', [field('partitionIndex', 'int32'), field('errorCode', 'int16')])),
          ),
        ]),
      ),
    ),
  ],
});
