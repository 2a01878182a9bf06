import { api, array, field, struct } from './notation.ts';

export const alterPartitionSchema = api(56, 'AlterPartition', {
  versions: '0-3',
  flexible: '0+',
  request: [
    field('brokerId', 'int32'),
    field('brokerEpoch', 'int64', { default: -1 }),
    field(
      'topics',
      array(
        struct('TopicData', [
          field('topicName', 'string', { versions: '0-1', ignorable: true }),
          field('topicId', 'uuid', { versions: '2+', ignorable: true }),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partitionIndex', 'int32'),
                field('leaderEpoch', 'int32'),
                field('newIsr', array('int32'), { versions: '0-2' }),
                field(
                  'newIsrWithEpochs',
                  array(
                    struct('BrokerState', [
                      field('brokerId', 'int32'),
                      field('brokerEpoch', 'int64', { default: -1 }),
                    ]),
                  ),
                  { versions: '3+' },
                ),
                field('leaderRecoveryState', 'int8', { versions: '1+', default: 0 }),
                field('partitionEpoch', 'int32'),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field(
      'topics',
      array(
        struct('TopicData', [
          field('topicName', 'string', { versions: '0-1', ignorable: true }),
          field('topicId', 'uuid', { versions: '2+', ignorable: true }),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partitionIndex', 'int32'),
                field('errorCode', 'int16'),
                field('leaderId', 'int32'),
                field('leaderEpoch', 'int32'),
                field('isr', array('int32')),
                field('leaderRecoveryState', 'int8', { versions: '1+', default: 0, ignorable: true }),
                field('partitionEpoch', 'int32'),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
