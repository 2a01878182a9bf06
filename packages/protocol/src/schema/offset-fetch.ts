import { api, array, field, struct } from './notation.ts';

export const offsetFetchSchema = api(9, 'OffsetFetch', {
  versions: '0-10',
  flexible: '6+',
  request: [
    field('groupId', 'string', { versions: '0-7' }),
    field(
      'topics',
      array(struct('Topic', [field('name', 'string'), field('partitionIndexes', array('int32'))])),
      { versions: '0-7', nullable: '2-7' },
    ),
    field(
      'groups',
      array(
        struct('Group', [
          field('groupId', 'string'),
          field('memberId', 'string', { versions: '9+', nullable: true, default: null, ignorable: true }),
          field('memberEpoch', 'int32', { versions: '9+', default: -1, ignorable: true }),
          field(
            'topics',
            array(
              struct('Topics', [
                field('name', 'string', { versions: '8-9', ignorable: true }),
                field('topicId', 'uuid', { versions: '10+', ignorable: true }),
                field('partitionIndexes', array('int32')),
              ]),
            ),
            { nullable: true },
          ),
        ]),
      ),
      { versions: '8+' },
    ),
    field('requireStable', 'bool', { versions: '7+', default: false }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '3+', ignorable: true }),
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string'),
          field(
            'partitions',
            array(
              struct('Partition', [
                field('partitionIndex', 'int32'),
                field('committedOffset', 'int64'),
                field('committedLeaderEpoch', 'int32', { versions: '5-7', default: -1, ignorable: true }),
                field('metadata', 'string', { nullable: true }),
                field('errorCode', 'int16'),
              ]),
            ),
          ),
        ]),
      ),
      { versions: '0-7' },
    ),
    field('errorCode', 'int16', { versions: '2-7', default: 0, ignorable: true }),
    field(
      'groups',
      array(
        struct('Group', [
          field('groupId', 'string'),
          field(
            'topics',
            array(
              struct('Topics', [
                field('name', 'string', { versions: '8-9', ignorable: true }),
                field('topicId', 'uuid', { versions: '10+', ignorable: true }),
                field(
                  'partitions',
                  array(
                    struct('Partitions', [
                      field('partitionIndex', 'int32'),
                      field('committedOffset', 'int64'),
                      field('committedLeaderEpoch', 'int32', { default: -1, ignorable: true }),
                      field('metadata', 'string', { nullable: true }),
                      field('errorCode', 'int16'),
                    ]),
                  ),
                ),
              ]),
            ),
          ),
          field('errorCode', 'int16', { default: 0 }),
        ]),
      ),
      { versions: '8+' },
    ),
  ],
});
