import { api, array, field, struct } from './notation.ts';

const partitionState = struct('PartitionState', [
  field('topicName', 'string', { versions: '0-1', ignorable: true }),
  field('partitionIndex', 'int32'),
  field('controllerEpoch', 'int32'),
  field('leader', 'int32'),
  field('leaderEpoch', 'int32'),
  field('isr', array('int32')),
  field('partitionEpoch', 'int32'),
  field('replicas', array('int32')),
  field('addingReplicas', array('int32'), { versions: '3+', ignorable: true }),
  field('removingReplicas', array('int32'), { versions: '3+', ignorable: true }),
  field('isNew', 'bool', { versions: '1+', default: false, ignorable: true }),
  field('leaderRecoveryState', 'int8', { versions: '6+', default: 0 }),
]);

const partitionError = struct('PartitionError', [
  field('topicName', 'string', { versions: '0-4', ignorable: true }),
  field('partitionIndex', 'int32'),
  field('errorCode', 'int16'),
]);

export const leaderAndIsrSchema = api(4, 'LeaderAndIsr', {
  versions: '0-7',
  flexible: '4+',
  inSteps: 'request',
  request: [
    field('controllerId', 'int32'),
    field('isKRaftController', 'bool', { versions: '7+', default: false }),
    field('controllerEpoch', 'int32'),
    field('brokerEpoch', 'int64', { versions: '2+', default: -1, ignorable: true }),
    field('type', 'int8', { versions: '5+' }),
    field('ungroupedPartitionStates', array(partitionState), { versions: '0-1' }),
    field(
      'topicStates',
      array(
        struct('TopicState', [
          field('topicName', 'string'),
          field('topicId', 'uuid', { versions: '5+', ignorable: true }),
          field('partitionStates', array(partitionState)),
        ]),
      ),
      { versions: '2+' },
    ),
    field(
      'liveLeaders',
      array(
        struct('LiveLeader', [
          field('brokerId', 'int32'),
          field('hostName', 'string'),
          field('port', 'int32'),
        ]),
      ),
    ),
  ],
  response: [
    field('errorCode', 'int16'),
    field('partitionErrors', array(partitionError), { versions: '0-4' }),
    field(
      'topics',
      array(
        struct('TopicError', [field('topicId', 'uuid'), field('partitionErrors', array(partitionError))]),
      ),
      { versions: '5+' },
    ),
  ],
});
