import { api, array, field, struct } from './notation.ts';

export const initializeShareGroupStateSchema = api(83, 'InitializeShareGroupState', {
  versions: '0',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field(
      'topics',
      array(
        struct('InitializeStateData', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partition', 'int32'),
                field('stateEpoch', 'int32'),
                field('startOffset', 'int64'),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field(
      'results',
      array(
        struct('InitializeStateResult', [
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
