import { api, array, field, struct } from './notation.ts';

export const describeProducersSchema = api(61, 'DescribeProducers', {
  versions: '0',
  flexible: '0+',
  request: [
    field(
      'topics',
      array(struct('Topic', [field('name', 'string'), field('partitionIndexes', array('int32'))])),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
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
                field('errorMessage', 'string', { nullable: true, default: null }),
                field(
                  'activeProducers',
                  array(
                    struct('ProducerState', [
                      field('producerId', 'int64'),
                      field('producerEpoch', 'int32'),
                      field('lastSequence', 'int32', { default: -1 }),
                      field('lastTimestamp', 'int64', { default: -1 }),
                      field('coordinatorEpoch', 'int32'),
                      field('currentTxnStartOffset', 'int64', { default: -1 }),
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
