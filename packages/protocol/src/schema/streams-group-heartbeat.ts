import { api, array, field, struct } from './notation.ts';

const keyValue = struct('KeyValue', [field('key', 'string'), field('value', 'string')]);

const topicInfo = struct('TopicInfo', [
  field('name', 'string'),
  field('partitions', 'int32'),
  field('replicationFactor', 'int16'),
  field('topicConfigs', array(keyValue)),
]);

const taskIds = struct('TaskIds', [field('subtopologyId', 'string'), field('partitions', array('int32'))]);

const endpoint = struct('Endpoint', [field('host', 'string'), field('port', 'uint16')]);

const taskOffset = struct('TaskOffset', [
  field('subtopologyId', 'string'),
  field('partition', 'int32'),
  field('offset', 'int64'),
]);

const status = struct('Status', [field('statusCode', 'int8'), field('statusDetail', 'string')]);

const topicPartition = struct('TopicPartition', [
  field('topic', 'string'),
  field('partitions', array('int32')),
]);

export const streamsGroupHeartbeatSchema = api(88, 'StreamsGroupHeartbeat', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field('memberId', 'string'),
    field('memberEpoch', 'int32'),
    field('endpointInformationEpoch', 'int32'),
    field('instanceId', 'string', { nullable: true, default: null }),
    field('rackId', 'string', { nullable: true, default: null }),
    field('rebalanceTimeoutMs', 'int32', { default: -1 }),
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
              field('sourceTopicRegex', array('string')),
              field('stateChangelogTopics', array(topicInfo)),
              field('repartitionSinkTopics', array('string')),
              field('repartitionSourceTopics', array(topicInfo)),
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
      ]),
      { nullable: true, default: null },
    ),
    field('activeTasks', array(taskIds), { nullable: true, default: null }),
    field('standbyTasks', array(taskIds), { nullable: true, default: null }),
    field('warmupTasks', array(taskIds), { nullable: true, default: null }),
    field('processId', 'string', { nullable: true, default: null }),
    field('userEndpoint', endpoint, { nullable: true, default: null }),
    field('clientTags', array(keyValue), { nullable: true, default: null }),
    field('taskOffsets', array(taskOffset), { nullable: true, default: null }),
    field('taskEndOffsets', array(taskOffset), { nullable: true, default: null }),
    field('shutdownApplication', 'bool', { default: false }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, default: null }),
    field('memberId', 'string'),
    field('memberEpoch', 'int32'),
    field('heartbeatIntervalMs', 'int32'),
    field('acceptableRecoveryLagLegacy', 'int32', { versions: '0' }),
    field('taskOffsetIntervalMs', 'int32'),
    field('acceptableRecoveryLag', 'int64', { versions: '1+', default: -1, ignorable: true }),
    field('status', array(status), { nullable: true }),
    field('activeTasks', array(taskIds), { nullable: true, default: null }),
    field('standbyTasks', array(taskIds), { nullable: true, default: null }),
    field('warmupTasks', array(taskIds), { nullable: true, default: null }),
    field('topologyDescriptionRequired', 'bool', { versions: '1+', default: false }),
    field('endpointInformationEpoch', 'int32'),
    field(
      'partitionsByUserEndpoint',
      array(
        struct('EndpointToPartitions', [
          field('userEndpoint', endpoint),
          field('activePartitions', array(topicPartition)),
          field('standbyPartitions', array(topicPartition)),
        ]),
      ),
      { nullable: true, default: null },
    ),
  ],
});
