import { api, array, field, struct } from './notation.ts';

export const offsetForLeaderEpochSchema = api(23, 'OffsetForLeaderEpoch', {
  versions: '0-4',
  flexible: '4+',
  request: [
    field('replicaId', 'int32', { versions: '3+', default: -2, ignorable: true }),
    field(
      'topics',
      array(
        struct('OffsetForLeaderTopic', [
          field('topic', 'string'),
          field(
            'partitions',
            array(
              struct('OffsetForLeaderPartition', [
                field('partition', 'int32'),
                field('currentLeaderEpoch', 'int32', { versions: '2+', default: -1, ignorable: true }),
                field('leaderEpoch', 'int32'),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '2+', ignorable: true }),
    field(
      'topics',
      array(
        struct('OffsetForLeaderTopicResult', [
          field('topic', 'string'),
          field(
            'partitions',
            array(
              struct('EpochEndOffset', [
                field('errorCode', 'int16'),
                field('partition', 'int32'),
                field('leaderEpoch', 'int32', { versions: '1+', default: -1, ignorable: true }),
                field('endOffset', 'int64', { default: -1 }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
