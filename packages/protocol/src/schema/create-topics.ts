import { api, array, field, struct } from './notation.ts';

export const createTopicsSchema = api(19, 'CreateTopics', {
  versions: '0-7',
  flexible: '5+',
  request: [
    field(
      'topics',
      array(
        struct('CreatableTopic', [
          field('name', 'string'),
          field('numPartitions', 'int32'),
          field('replicationFactor', 'int16'),
          field(
            'assignments',
            array(
              struct('CreatableReplicaAssignment', [
                field('partitionIndex', 'int32'),
                field('brokerIds', array('int32')),
              ]),
            ),
          ),
          field(
            'configs',
            array(
              struct('CreatableTopicConfig', [
                field('name', 'string'),
                field('value', 'string', { nullable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field('timeoutMs', 'int32', { default: 60000 }),
    field('validateOnly', 'bool', { versions: '1+', default: false }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '2+', ignorable: true }),
    field(
      'topics',
      array(
        struct('CreatableTopicResult', [
          field('name', 'string'),
          field('topicId', 'uuid', { versions: '7+', ignorable: true }),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { versions: '1+', nullable: true, ignorable: true }),
          field('topicConfigErrorCode', 'int16', { versions: '5+', tag: 0, ignorable: true }),
          field('numPartitions', 'int32', { versions: '5+', default: -1, ignorable: true }),
          field('replicationFactor', 'int16', { versions: '5+', default: -1, ignorable: true }),
          field(
            'configs',
            array(
              struct('CreatableTopicConfigs', [
                field('name', 'string'),
                field('value', 'string', { nullable: true }),
                field('readOnly', 'bool'),
                field('configSource', 'int8', { default: -1, ignorable: true }),
                field('isSensitive', 'bool'),
              ]),
            ),
            { versions: '5+', nullable: true, ignorable: true },
          ),
        ]),
      ),
    ),
  ],
});
