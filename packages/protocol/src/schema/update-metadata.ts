import { api, array, field, struct } from './notation.ts';

const partitionState = struct('PartitionState', [
  field('topicName', 'string', { versions: '0-4', ignorable: true }),
  field('partitionIndex', 'int32'),
  field('controllerEpoch', 'int32'),
  field('leader', 'int32'),
  field('leaderEpoch', 'int32'),
  field('isr', array('int32')),
  field('zkVersion', 'int32'),
  field('replicas', array('int32')),
  field('offlineReplicas', array('int32'), { versions: '4+', ignorable: true }),
]);

export const updateMetadataSchema = api(6, 'UpdateMetadata', {
  versions: '0-8',
  flexible: '6+',
  inSteps: 'request',
  request: [
    field('controllerId', 'int32'),
    field('isKRaftController', 'bool', { versions: '8+', default: false }),
    field('type', 'int8', { versions: '8+', tag: 0, default: 0 }),
    field('controllerEpoch', 'int32'),
    field('brokerEpoch', 'int64', { versions: '5+', default: -1, ignorable: true }),
    field('ungroupedPartitionStates', array(partitionState), { versions: '0-4' }),
    field(
      'topicStates',
      array(
        struct('TopicState', [
          field('topicName', 'string'),
          field('topicId', 'uuid', { versions: '7+', ignorable: true }),
          field('partitionStates', array(partitionState)),
        ]),
      ),
      { versions: '5+' },
    ),
    field(
      'liveBrokers',
      array(
        struct('Broker', [
          field('id', 'int32'),
          field('v0Host', 'string', { versions: '0', ignorable: true }),
          field('v0Port', 'int32', { versions: '0', ignorable: true }),
          field(
            'endpoints',
            array(
              struct('Endpoint', [
                field('port', 'int32'),
                field('host', 'string'),
                field('listener', 'string', { versions: '3+', ignorable: true }),
                field('securityProtocol', 'int16'),
              ]),
            ),
            { versions: '1+', ignorable: true },
          ),
          field('rack', 'string', { versions: '2+', nullable: true, ignorable: true }),
        ]),
      ),
    ),
  ],
  response: [field('errorCode', 'int16')],
});
