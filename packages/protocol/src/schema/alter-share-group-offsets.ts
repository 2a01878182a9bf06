import { api, array, field, struct } from './notation.ts';

export const alterShareGroupOffsetsSchema = api(91, 'AlterShareGroupOffsets', {
  versions: '0',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field(
      'topics',
      array(
        struct('Topic', [
          field('topicName', 'string'),
          field(
            'partitions',
            array(struct('Partition', [field('partitionIndex', 'int32'), field('startOffset', 'int64')])),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, default: null }),
    field(
      'responses',
      array(
        struct('Topic', [
          field('topicName', 'string'),
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('Partition', [
                field('partitionIndex', 'int32'),
                field('errorCode', 'int16'),
                field('errorMessage', 'string', { nullable: true, default: null }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
