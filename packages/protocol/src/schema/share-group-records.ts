import { array, field, message, struct } from './notation.ts';

const shareGroupCurrentMemberAssignmentValueTopicPartitions = struct('TopicPartitions', [
  field('topicId', 'uuid'),
  field('partitions', array('int32')),
]);

const shareGroupStatePartitionMetadataValueTopicPartitionsInfo = struct('TopicPartitionsInfo', [
  field('topicId', 'uuid'),
  field('topicName', 'string'),
  field('partitions', array('int32')),
]);

const shareGroupStatePartitionMetadataValueTopicInfo = struct('TopicInfo', [
  field('topicId', 'uuid'),
  field('topicName', 'string'),
]);

export const shareGroupMemberMetadataKeySchema = message('ShareGroupMemberMetadataKey', {
  versions: '0',
  recordType: 10,
  fields: [field('groupId', 'string'), field('memberId', 'string')],
});

export const shareGroupMemberMetadataValueSchema = message('ShareGroupMemberMetadataValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('rackId', 'string', { nullable: true }),
    field('clientId', 'string'),
    field('clientHost', 'string'),
    field('subscribedTopicNames', array('string')),
  ],
});

export const shareGroupMetadataKeySchema = message('ShareGroupMetadataKey', {
  versions: '0',
  recordType: 11,
  fields: [field('groupId', 'string')],
});

export const shareGroupMetadataValueSchema = message('ShareGroupMetadataValue', {
  versions: '0',
  flexible: '0+',
  fields: [field('epoch', 'int32'), field('metadataHash', 'int64')],
});

export const shareGroupTargetAssignmentMetadataKeySchema = message('ShareGroupTargetAssignmentMetadataKey', {
  versions: '0',
  recordType: 12,
  fields: [field('groupId', 'string')],
});

export const shareGroupTargetAssignmentMetadataValueSchema = message(
  'ShareGroupTargetAssignmentMetadataValue',
  {
    versions: '0',
    flexible: '0+',
    fields: [
      field('assignmentEpoch', 'int32'),
      field('assignmentTimestamp', 'int64', { tag: 0, default: 0, ignorable: true }),
    ],
  },
);

export const shareGroupTargetAssignmentMemberKeySchema = message('ShareGroupTargetAssignmentMemberKey', {
  versions: '0',
  recordType: 13,
  fields: [field('groupId', 'string'), field('memberId', 'string')],
});

export const shareGroupTargetAssignmentMemberValueSchema = message('ShareGroupTargetAssignmentMemberValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field(
      'topicPartitions',
      array(struct('TopicPartition', [field('topicId', 'uuid'), field('partitions', array('int32'))])),
    ),
  ],
});

export const shareGroupCurrentMemberAssignmentKeySchema = message('ShareGroupCurrentMemberAssignmentKey', {
  versions: '0',
  recordType: 14,
  fields: [field('groupId', 'string'), field('memberId', 'string')],
});

export const shareGroupCurrentMemberAssignmentValueSchema = message(
  'ShareGroupCurrentMemberAssignmentValue',
  {
    versions: '0',
    flexible: '0+',
    fields: [
      field('memberEpoch', 'int32'),
      field('previousMemberEpoch', 'int32'),
      field('state', 'int8'),
      field('assignedPartitions', array(shareGroupCurrentMemberAssignmentValueTopicPartitions)),
    ],
  },
);

export const shareGroupStatePartitionMetadataKeySchema = message('ShareGroupStatePartitionMetadataKey', {
  versions: '0',
  recordType: 15,
  fields: [field('groupId', 'string')],
});

export const shareGroupStatePartitionMetadataValueSchema = message('ShareGroupStatePartitionMetadataValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('initializingTopics', array(shareGroupStatePartitionMetadataValueTopicPartitionsInfo)),
    field('initializedTopics', array(shareGroupStatePartitionMetadataValueTopicPartitionsInfo)),
    field('deletingTopics', array(shareGroupStatePartitionMetadataValueTopicInfo)),
  ],
});
