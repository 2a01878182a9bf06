import { api, array, field, struct } from './notation.ts';

export const deleteShareGroupStateSchema = api(86, 'DeleteShareGroupState', {
  versions: '0',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field(
      'topics',
      array(
        struct('DeleteStateData', [
          field('topicId', 'uuid'),
          field('partitions', array(struct('PartitionData', [field('partition', 'int32')]))),
        ]),
      ),
    ),
  ],
  response: [
    field(
      'results',
      array(
        struct('DeleteStateResult', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('PartitionResult', [
                field('partition', 'int32'),
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
