import { array, field, message, struct } from './notation.ts';

const consumerGroupCurrentMemberAssignmentValueTopicPartitions = struct('TopicPartitions', [
  field('topicId', 'uuid'),
  field('partitions', array('int32')),
  field('assignmentEpochs', array('int32'), { nullable: true, tag: 0 }),
]);

export const consumerGroupMetadataKeySchema = message('ConsumerGroupMetadataKey', {
  versions: '0',
  recordType: 3,
  fields: [field('groupId', 'string')],
});

export const consumerGroupMetadataValueSchema = message('ConsumerGroupMetadataValue', {
  versions: '0',
  flexible: '0+',
  fields: [field('epoch', 'int32'), field('metadataHash', 'int64', { tag: 0, default: 0 })],
});

export const consumerGroupPartitionMetadataKeySchema = message('ConsumerGroupPartitionMetadataKey', {
  versions: '0',
  recordType: 4,
  fields: [field('groupId', 'string')],
});

export const consumerGroupPartitionMetadataValueSchema = message('ConsumerGroupPartitionMetadataValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field(
      'topics',
      array(
        struct('TopicMetadata', [
          field('topicId', 'uuid'),
          field('topicName', 'string'),
          field('numPartitions', 'int32'),
          field(
            'partitionMetadata',
            array(
              struct('PartitionMetadata', [field('partition', 'int32'), field('racks', array('string'))]),
            ),
          ),
        ]),
      ),
    ),
  ],
});

export const consumerGroupMemberMetadataKeySchema = message('ConsumerGroupMemberMetadataKey', {
  versions: '0',
  recordType: 5,
  fields: [field('groupId', 'string'), field('memberId', 'string')],
});

export const consumerGroupMemberMetadataValueSchema = message('ConsumerGroupMemberMetadataValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('instanceId', 'string', { nullable: true }),
    field('rackId', 'string', { nullable: true }),
    field('clientId', 'string'),
    field('clientHost', 'string'),
    field('subscribedTopicNames', array('string')),
    field('subscribedTopicRegex', 'string', { nullable: true }),
    field('rebalanceTimeoutMs', 'int32', { default: -1 }),
    field('serverAssignor', 'string', { nullable: true }),
    field(
      'classicMemberMetadata',
      struct('ClassicMemberMetadata', [
        field('sessionTimeoutMs', 'int32'),
        field(
          'supportedProtocols',
          array(struct('ClassicProtocol', [field('name', 'string'), field('metadata', 'bytes')])),
        ),
      ]),
      { nullable: true, tag: 0 },
    ),
  ],
});

export const consumerGroupTargetAssignmentMetadataKeySchema = message(
  'ConsumerGroupTargetAssignmentMetadataKey',
  { versions: '0', recordType: 6, fields: [field('groupId', 'string')] },
);

export const consumerGroupTargetAssignmentMetadataValueSchema = message(
  'ConsumerGroupTargetAssignmentMetadataValue',
  {
    versions: '0',
    flexible: '0+',
    fields: [
      field('assignmentEpoch', 'int32'),
      field('assignmentTimestamp', 'int64', { tag: 0, default: 0, ignorable: true }),
    ],
  },
);

export const consumerGroupTargetAssignmentMemberKeySchema = message(
  'ConsumerGroupTargetAssignmentMemberKey',
  { versions: '0', recordType: 7, fields: [field('groupId', 'string'), field('memberId', 'string')] },
);

export const consumerGroupTargetAssignmentMemberValueSchema = message(
  'ConsumerGroupTargetAssignmentMemberValue',
  {
    versions: '0',
    flexible: '0+',
    fields: [
      field(
        'topicPartitions',
        array(struct('TopicPartition', [field('topicId', 'uuid'), field('partitions', array('int32'))])),
      ),
    ],
  },
);

export const consumerGroupCurrentMemberAssignmentKeySchema = message(
  'ConsumerGroupCurrentMemberAssignmentKey',
  { versions: '0', recordType: 8, fields: [field('groupId', 'string'), field('memberId', 'string')] },
);

export const consumerGroupCurrentMemberAssignmentValueSchema = message(
  'ConsumerGroupCurrentMemberAssignmentValue',
  {
    versions: '0',
    flexible: '0+',
    fields: [
      field('memberEpoch', 'int32'),
      field('previousMemberEpoch', 'int32'),
      field('state', 'int8'),
      field('assignedPartitions', array(consumerGroupCurrentMemberAssignmentValueTopicPartitions)),
      field('partitionsPendingRevocation', array(consumerGroupCurrentMemberAssignmentValueTopicPartitions)),
    ],
  },
);

export const consumerGroupRegularExpressionKeySchema = message('ConsumerGroupRegularExpressionKey', {
  versions: '0',
  recordType: 16,
  fields: [field('groupId', 'string'), field('regularExpression', 'string')],
});

export const consumerGroupRegularExpressionValueSchema = message('ConsumerGroupRegularExpressionValue', {
  versions: '0',
  flexible: '0+',
  fields: [field('topics', array('string')), field('version', 'int64'), field('timestamp', 'int64')],
});
