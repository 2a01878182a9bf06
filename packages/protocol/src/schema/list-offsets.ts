import { api, array, field, struct } from './notation.ts';

export const listOffsetsSchema = api(2, 'ListOffsets', {
  versions: '0-11',
  flexible: '6+',
  request: [
    field('replicaId', 'int32'),
    field('isolationLevel', 'int8', { versions: '2+' }),
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
                field('currentLeaderEpoch', 'int32', { versions: '4+', default: -1, ignorable: true }),
                field('timestamp', 'int64'),
                field('maxNumOffsets', 'int32', { versions: '0', default: 1 }),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field('timeoutMs', 'int32', { versions: '10+', ignorable: true }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '2+', ignorable: true }),
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
                field('errorCode', 'int16'),
                field('oldStyleOffsets', array('int64'), { versions: '0' }),
                field('timestamp', 'int64', { versions: '1+', default: -1 }),
                field('offset', 'int64', { versions: '1+', default: -1 }),
                field('leaderEpoch', 'int32', { versions: '4+', default: -1 }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
