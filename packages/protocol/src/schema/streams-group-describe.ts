import { api, array, field, struct } from './notation.ts';

const keyValue = struct('KeyValue', [field('key', 'string'), field('value', 'string')]);

const topicInfo = struct('TopicInfo', [
  field('name', 'string'),
  field('partitions', 'int32'),
  field('replicationFactor', 'int16'),
  field('topicConfigs', array(keyValue)),
]);

const endpoint = struct('Endpoint', [field('host', 'string'), field('port', 'uint16')]);

const taskOffset = struct('TaskOffset', [
  field('subtopologyId', 'string'),
  field('partition', 'int32'),
  field('offset', 'int64'),
]);

const taskIds = struct('TaskIds', [field('subtopologyId', 'string'), field('partitions', array('int32'))]);

const assignment = struct('Assignment', [
  field('activeTasks', array(taskIds)),
  field('standbyTasks', array(taskIds)),
  field('warmupTasks', array(taskIds)),
]);

const topologyDescriptionNode = struct('TopologyDescriptionNode', [
  field('name', 'string'),
  field('nodeType', 'int8'),
  field('sourceTopics', array('string')),
  field('sinkTopic', 'string', { nullable: true, default: null }),
  field('stores', array('string')),
  field('successors', array('string')),
]);

const topologyDescriptionSubtopology = struct('TopologyDescriptionSubtopology', [
  field('subtopologyId', 'string'),
  field('nodes', array(topologyDescriptionNode)),
]);

const topologyDescriptionGlobalStore = struct('TopologyDescriptionGlobalStore', [
  field('source', topologyDescriptionNode),
  field('processor', topologyDescriptionNode),
]);

const topologyDescription = struct('TopologyDescription', [
  field('subtopologies', array(topologyDescriptionSubtopology)),
  field('globalStores', array(topologyDescriptionGlobalStore)),
]);

export const streamsGroupDescribeSchema = api(89, 'StreamsGroupDescribe', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field('groupIds', array('string')),
    field('includeAuthorizedOperations', 'bool'),
    field('includeTopologyDescription', 'bool', { versions: '1+', default: false }),
  ],
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
          field(
            'topology',
            struct('Topology', [
              field('epoch', 'int32'),
              field(
                'subtopologies',
                array(
                  struct('Subtopology', [
                    field('subtopologyId', 'string'),
                    field('sourceTopics', array('string')),
                    field('repartitionSinkTopics', array('string')),
                    field('stateChangelogTopics', array(topicInfo)),
                    field('repartitionSourceTopics', array(topicInfo)),
                  ]),
                ),
                { nullable: true, default: null },
              ),
            ]),
            { nullable: true, default: null },
          ),
          field(
            'members',
            array(
              struct('Member', [
                field('memberId', 'string'),
                field('memberEpoch', 'int32'),
                field('instanceId', 'string', { nullable: true, default: null }),
                field('rackId', 'string', { nullable: true, default: null }),
                field('clientId', 'string'),
                field('clientHost', 'string'),
                field('topologyEpoch', 'int32'),
                field('processId', 'string'),
                field('userEndpoint', endpoint, { nullable: true, default: null }),
                field('clientTags', array(keyValue)),
                field('taskOffsets', array(taskOffset)),
                field('taskEndOffsets', array(taskOffset)),
                field('assignment', assignment),
                field('targetAssignment', assignment),
                field('isClassic', 'bool'),
              ]),
            ),
          ),
          field('authorizedOperations', 'int32', { default: -2147483648 }),
          field('topologyDescription', topologyDescription, {
            versions: '1+',
            nullable: true,
            default: null,
          }),
          field('topologyDescriptionStatus', 'int8', { versions: '1+', default: 0 }),
          field('assignorName', 'string', { versions: '1+', nullable: true, default: null, ignorable: true }),
        ]),
      ),
    ),
  ],
});
