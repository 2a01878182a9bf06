import { api, array, field, struct } from './notation.ts';

export const describeTopicPartitionsSchema = api(75, 'DescribeTopicPartitions', {
  versions: '0',
  flexible: '0+',
  request: [
    field('topics', array(struct('Topic', [field('name', 'string')]))),
    field('responsePartitionLimit', 'int32', { default: 2000 }),
    field('cursor', struct('Cursor', [field('topicName', 'string'), field('partitionIndex', 'int32')]), {
      nullable: true,
      default: null,
    }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { ignorable: true }),
    field(
      'topics',
      array(
        struct('Topic', [
          field('errorCode', 'int16'),
          field('name', 'string', { nullable: true }),
          field('topicId', 'uuid', { ignorable: true }),
          field('isInternal', 'bool', { default: false, ignorable: true }),
          field(
            'partitions',
            array(
              struct('Partition', [
                field('errorCode', 'int16'),
                field('partitionIndex', 'int32'),
                field('leaderId', 'int32'),
                field('leaderEpoch', 'int32', { default: -1, ignorable: true }),
                field('replicaNodes', array('int32')),
                field('isrNodes', array('int32')),
                field('eligibleLeaderReplicas', array('int32'), { nullable: true, default: null }),
                field('lastKnownElr', array('int32'), { nullable: true, default: null }),
                field('offlineReplicas', array('int32'), { ignorable: true }),
              ]),
            ),
          ),
          field('topicAuthorizedOperations', 'int32', { default: -2147483648 }),
        ]),
      ),
    ),
    field('nextCursor', struct('Cursor', [field('topicName', 'string'), field('partitionIndex', 'int32')]), {
      nullable: true,
      default: null,
    }),
  ],
});
