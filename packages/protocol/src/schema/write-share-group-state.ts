import { api, array, field, struct } from './notation.ts';

export const writeShareGroupStateSchema = api(85, 'WriteShareGroupState', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field(
      'topics',
      array(
        struct('WriteStateData', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partition', 'int32'),
                field('stateEpoch', 'int32'),
                field('leaderEpoch', 'int32'),
                field('startOffset', 'int64'),
                field('deliveryCompleteCount', 'int32', { versions: '1+', default: -1, ignorable: true }),
                field(
                  'stateBatches',
                  array(
                    struct('StateBatch', [
                      field('firstOffset', 'int64'),
                      field('lastOffset', 'int64'),
                      field('deliveryState', 'int8'),
                      field('deliveryCount', 'int16'),
                    ]),
                  ),
                ),
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
        struct('WriteStateResult', [
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
