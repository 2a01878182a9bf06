import { api, array, field, struct } from './notation.ts';

export const stopReplicaSchema = api(5, 'StopReplica', {
  versions: '0-4',
  flexible: '2+',
  request: [
    field('controllerId', 'int32'),
    field('isKRaftController', 'bool', { versions: '4+', default: false }),
    field('controllerEpoch', 'int32'),
    field('brokerEpoch', 'int64', { versions: '1+', default: -1, ignorable: true }),
    field('deletePartitions', 'bool', { versions: '0-2' }),
    field(
      'ungroupedPartitions',
      array(struct('PartitionV0', [field('topicName', 'string'), field('partitionIndex', 'int32')])),
      { versions: '0' },
    ),
    field(
      'topics',
      array(struct('TopicV1', [field('name', 'string'), field('partitionIndexes', array('int32'))])),
      { versions: '1-2' },
    ),
    field(
      'topicStates',
      array(
        struct('TopicState', [
          field('topicName', 'string'),
          field(
            'partitionStates',
            array(
              struct('PartitionState', [
                field('partitionIndex', 'int32'),
                field('leaderEpoch', 'int32', { default: -1 }),
                field('deletePartition', 'bool'),
              ]),
            ),
          ),
        ]),
      ),
      { versions: '3+' },
    ),
  ],
  response: [
    field('errorCode', 'int16'),
    field(
      'partitionErrors',
      array(
        struct('PartitionError', [
          field('topicName', 'string'),
          field('partitionIndex', 'int32'),
          field('errorCode', 'int16'),
        ]),
      ),
    ),
  ],
});
