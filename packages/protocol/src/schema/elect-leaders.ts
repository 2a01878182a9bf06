import { api, array, field, struct } from './notation.ts';

export const electLeadersSchema = api(43, 'ElectLeaders', {
  versions: '0-2',
  flexible: '2+',
  request: [
    field('electionType', 'int8', { versions: '1+' }),
    field(
      'topicPartitions',
      array(struct('TopicPartitions', [field('topic', 'string'), field('partitions', array('int32'))])),
      { nullable: true },
    ),
    field('timeoutMs', 'int32', { default: 60000 }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16', { versions: '1+' }),
    field(
      'replicaElectionResults',
      array(
        struct('ReplicaElectionResult', [
          field('topic', 'string'),
          field(
            'partitionResult',
            array(
              struct('PartitionResult', [
                field('partitionId', 'int32'),
                field('errorCode', 'int16'),
                field('errorMessage', 'string', { nullable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
