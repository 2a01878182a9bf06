import { array, field, message, struct } from './notation.ts';

const streamsGroupMemberMetadataValueEndpoint = struct('Endpoint', [
  field('host', 'string'),
  field('port', 'uint16'),
]);

const streamsGroupMemberMetadataValueKeyValue = struct('KeyValue', [
  field('key', 'string'),
  field('value', 'string'),
]);

const streamsGroupTargetAssignmentMemberValueTaskIds = struct('TaskIds', [
  field('subtopologyId', 'string'),
  field('partitions', array('int32')),
]);

const streamsGroupCurrentMemberAssignmentValueTaskIds = struct('TaskIds', [
  field('subtopologyId', 'string'),
  field('partitions', array('int32')),
  field('assignmentEpochs', array('int32'), { nullable: true, tag: 0 }),
]);

const streamsGroupTopologyValueTopicConfig = struct('TopicConfig', [
  field('key', 'string'),
  field('value', 'string'),
]);

const streamsGroupTopologyValueTopicInfo = struct('TopicInfo', [
  field('name', 'string'),
  field('partitions', 'int32'),
  field('replicationFactor', 'int16'),
  field('topicConfigs', array(streamsGroupTopologyValueTopicConfig)),
]);

export const streamsGroupMetadataKeySchema = message('StreamsGroupMetadataKey', {
  versions: '0',
  recordType: 17,
  fields: [field('groupId', 'string')],
});

export const streamsGroupMetadataValueSchema = message('StreamsGroupMetadataValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('epoch', 'int32'),
    field('metadataHash', 'int64'),
    field('validatedTopologyEpoch', 'int32', { tag: 0, default: -1 }),
    field(
      'lastAssignmentConfigs',
      array(struct('LastAssignmentConfig', [field('key', 'string'), field('value', 'string')])),
      { nullable: true, tag: 1 },
    ),
    field('storedDescriptionTopologyEpoch', 'int32', { tag: 2, default: -1 }),
    field('failedDescriptionTopologyEpoch', 'int32', { tag: 3, default: -1 }),
  ],
});

export const streamsGroupMemberMetadataKeySchema = message('StreamsGroupMemberMetadataKey', {
  versions: '0',
  recordType: 19,
  fields: [field('groupId', 'string'), field('memberId', 'string')],
});

export const streamsGroupMemberMetadataValueSchema = message('StreamsGroupMemberMetadataValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('instanceId', 'string', { nullable: true }),
    field('rackId', 'string', { nullable: true }),
    field('clientId', 'string'),
    field('clientHost', 'string'),
    field('rebalanceTimeoutMs', 'int32', { default: -1 }),
    field('topologyEpoch', 'int32'),
    field('processId', 'string'),
    field('userEndpoint', streamsGroupMemberMetadataValueEndpoint, { nullable: true, default: null }),
    field('clientTags', array(streamsGroupMemberMetadataValueKeyValue)),
  ],
});

export const streamsGroupTargetAssignmentMetadataKeySchema = message(
  'StreamsGroupTargetAssignmentMetadataKey',
  { versions: '0', recordType: 20, fields: [field('groupId', 'string')] },
);

export const streamsGroupTargetAssignmentMetadataValueSchema = message(
  'StreamsGroupTargetAssignmentMetadataValue',
  {
    versions: '0',
    flexible: '0+',
    fields: [
      field('assignmentEpoch', 'int32'),
      field('assignmentTimestamp', 'int64', { tag: 0, default: 0, ignorable: true }),
    ],
  },
);

export const streamsGroupTargetAssignmentMemberKeySchema = message('StreamsGroupTargetAssignmentMemberKey', {
  versions: '0',
  recordType: 21,
  fields: [field('groupId', 'string'), field('memberId', 'string')],
});

export const streamsGroupTargetAssignmentMemberValueSchema = message(
  'StreamsGroupTargetAssignmentMemberValue',
  {
    versions: '0',
    flexible: '0+',
    fields: [
      field('activeTasks', array(streamsGroupTargetAssignmentMemberValueTaskIds)),
      field('standbyTasks', array(streamsGroupTargetAssignmentMemberValueTaskIds)),
      field('warmupTasks', array(streamsGroupTargetAssignmentMemberValueTaskIds)),
    ],
  },
);

export const streamsGroupCurrentMemberAssignmentKeySchema = message(
  'StreamsGroupCurrentMemberAssignmentKey',
  { versions: '0', recordType: 22, fields: [field('groupId', 'string'), field('memberId', 'string')] },
);

export const streamsGroupCurrentMemberAssignmentValueSchema = message(
  'StreamsGroupCurrentMemberAssignmentValue',
  {
    versions: '0',
    flexible: '0+',
    fields: [
      field('memberEpoch', 'int32'),
      field('previousMemberEpoch', 'int32'),
      field('state', 'int8'),
      field('activeTasks', array(streamsGroupCurrentMemberAssignmentValueTaskIds)),
      field('standbyTasks', array(streamsGroupCurrentMemberAssignmentValueTaskIds)),
      field('warmupTasks', array(streamsGroupCurrentMemberAssignmentValueTaskIds)),
      field('activeTasksPendingRevocation', array(streamsGroupCurrentMemberAssignmentValueTaskIds)),
      field('standbyTasksPendingRevocation', array(streamsGroupCurrentMemberAssignmentValueTaskIds)),
      field('warmupTasksPendingRevocation', array(streamsGroupCurrentMemberAssignmentValueTaskIds)),
    ],
  },
);

export const streamsGroupTopologyKeySchema = message('StreamsGroupTopologyKey', {
  versions: '0',
  recordType: 23,
  fields: [field('groupId', 'string')],
});

export const streamsGroupTopologyValueSchema = message('StreamsGroupTopologyValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('epoch', 'int32'),
    field(
      'subtopologies',
      array(
        struct('Subtopology', [
          field('subtopologyId', 'string'),
          field('sourceTopics', array('string')),
          field('sourceTopicRegex', array('string')),
          field('stateChangelogTopics', array(streamsGroupTopologyValueTopicInfo)),
          field('repartitionSinkTopics', array('string')),
          field('repartitionSourceTopics', array(streamsGroupTopologyValueTopicInfo)),
          field(
            'copartitionGroups',
            array(
              struct('CopartitionGroup', [
                field('sourceTopics', array('int16')),
                field('sourceTopicRegex', array('int16')),
                field('repartitionSourceTopics', array('int16')),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
