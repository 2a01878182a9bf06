import { api, array, field, struct } from './notation.ts';

const topicPartitions = struct('TopicPartitions', [
  field('topicId', 'uuid'),
  field('topicName', 'string'),
  field('partitions', array('int32')),
]);

const assignment = struct('Assignment', [field('topicPartitions', array(topicPartitions))]);

export const shareGroupDescribeSchema = api(77, 'ShareGroupDescribe', {
  versions: '0-1',
  flexible: '0+',
  request: [field('groupIds', array('string')), field('includeAuthorizedOperations', 'bool')],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'groups',
      array(
        struct('DescribedGroup', [
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true, default: null }),
          field('groupId', 'string'),
          field('groupState', 'string'),
          field('groupEpoch', 'int32'),
          field('assignmentEpoch', 'int32'),
          field('assignorName', 'string'),
          field(
            'members',
            array(
              struct('Member', [
                field('memberId', 'string'),
                field('rackId', 'string', { nullable: true, default: null }),
                field('memberEpoch', 'int32'),
                field('clientId', 'string'),
                field('clientHost', 'string'),
                field('subscribedTopicNames', array('string')),
                field('assignment', assignment),
              ]),
            ),
          ),
          field('authorizedOperations', 'int32', { default: -2147483648 }),
        ]),
      ),
    ),
  ],
});
