import { api, array, field, struct } from './notation.ts';

export const readShareGroupStateSchema = api(84, 'ReadShareGroupState', {
  versions: '0',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field(
      'topics',
      array(
        struct('ReadStateData', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(struct('PartitionData', [field('partition', 'int32'), field('leaderEpoch', 'int32')])),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field(
      'results',
      array(
        struct('ReadStateResult', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('PartitionResult', [
                field('partition', 'int32'),
                field('errorCode', 'int16'),
                field('errorMessage', 'string', { nullable: true, default: null }),
                field('stateEpoch', 'int32'),
                field('startOffset', 'int64'),
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
});
