import { array, field, message, struct } from './notation.ts';

export const consumerProtocolSubscriptionSchema = message('ConsumerProtocolSubscription', {
  versions: '0-3',
  fields: [
    field('topics', array('string')),
    field('userData', 'bytes', { nullable: true, default: null }),
    field(
      'ownedPartitions',
      array(struct('TopicPartition', [field('topic', 'string'), field('partitions', array('int32'))])),
      { versions: '1+', ignorable: true },
    ),
    field('generationId', 'int32', { versions: '2+', default: -1, ignorable: true }),
    field('rackId', 'string', { versions: '3+', nullable: true, default: null, ignorable: true }),
  ],
});

export const consumerProtocolAssignmentSchema = message('ConsumerProtocolAssignment', {
  versions: '0-3',
  fields: [
    field(
      'assignedPartitions',
      array(struct('TopicPartition', [field('topic', 'string'), field('partitions', array('int32'))])),
    ),
    field('userData', 'bytes', { nullable: true, default: null }),
  ],
});
