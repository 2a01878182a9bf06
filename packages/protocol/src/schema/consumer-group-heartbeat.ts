import { api, array, field, struct } from './notation.ts';

const topicPartitions = struct('TopicPartitions', [
  field('topicId', 'uuid'),
  field('partitions', array('int32')),
]);

export const consumerGroupHeartbeatSchema = api(68, 'ConsumerGroupHeartbeat', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field('memberId', 'string'),
    field('memberEpoch', 'int32'),
    field('instanceId', 'string', { nullable: true, default: null }),
    field('rackId', 'string', { nullable: true, default: null }),
    field('rebalanceTimeoutMs', 'int32', { default: -1 }),
    field('subscribedTopicNames', array('string'), { nullable: true, default: null }),
    field('subscribedTopicRegex', 'string', { versions: '1+', nullable: true, default: null }),
    field('serverAssignor', 'string', { nullable: true, default: null }),
    field(
      'topicPartitions',
      array(struct('TopicPartitions', [field('topicId', 'uuid'), field('partitions', array('int32'))])),
      { nullable: true, default: null },
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, default: null }),
    field('memberId', 'string', { nullable: true, default: null }),
    field('memberEpoch', 'int32'),
    field('heartbeatIntervalMs', 'int32'),
    field('assignment', struct('Assignment', [field('topicPartitions', array(topicPartitions))]), {
      nullable: true,
      default: null,
    }),
  ],
});
