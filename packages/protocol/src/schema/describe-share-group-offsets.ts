import { api, array, field, struct } from './notation.ts';

export const describeShareGroupOffsetsSchema = api(90, 'DescribeShareGroupOffsets', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field(
      'groups',
      array(
        struct('Group', [
          field('groupId', 'string'),
          field(
            'topics',
            array(struct('Topic', [field('topicName', 'string'), field('partitions', array('int32'))])),
            { nullable: true },
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'groups',
      array(
        struct('Group', [
          field('groupId', 'string'),
          field(
            'topics',
            array(
              struct('Topic', [
                field('topicName', 'string'),
                field('topicId', 'uuid'),
                field(
                  'partitions',
                  array(
                    struct('Partition', [
                      field('partitionIndex', 'int32'),
                      field('startOffset', 'int64'),
                      field('leaderEpoch', 'int32'),
                      field('lag', 'int64', { versions: '1+', default: -1, ignorable: true }),
                      field('errorCode', 'int16'),
                      field('errorMessage', 'string', { nullable: true, default: null }),
                    ]),
                  ),
                ),
              ]),
            ),
          ),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true, default: null }),
        ]),
      ),
    ),
  ],
});
