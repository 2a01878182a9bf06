import { api, array, field, struct } from './notation.ts';

export const readShareGroupStateSummarySchema = api(87, 'ReadShareGroupStateSummary', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field(
      'topics',
      array(
        struct('ReadStateSummaryData', [
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
        struct('ReadStateSummaryResult', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('PartitionResult', [
                field('partition', 'int32'),
                field('errorCode', 'int16'),
                field('errorMessage', 'string', { nullable: true, default: null }),
                field('stateEpoch', 'int32'),
                field('leaderEpoch', 'int32'),
                field('startOffset', 'int64'),
                field('deliveryCompleteCount', 'int32', { versions: '1+', default: -1, ignorable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
