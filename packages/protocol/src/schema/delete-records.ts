import { api, array, field, struct } from './notation.ts';

export const deleteRecordsSchema = api(21, 'DeleteRecords', {
  versions: '0-2',
  flexible: '2+',
  request: [
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string'),
          field(
            'partitions',
            array(struct('Partition', [field('partitionIndex', 'int32'), field('offset', 'int64')])),
          ),
        ]),
      ),
    ),
    field('timeoutMs', 'int32'),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'topics',
      array(
        struct('TopicResult', [
          field('name', 'string'),
          field(
            'partitions',
            array(
              struct('PartitionResult', [
                field('partitionIndex', 'int32'),
                field('lowWatermark', 'int64'),
                field('errorCode', 'int16'),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
