import { api, array, field, struct } from './notation.ts';

export const voteSchema = api(52, 'Vote', {
  versions: '0-2',
  flexible: '0+',
  request: [
    field('clusterId', 'string', { nullable: true, default: null }),
    field('voterId', 'int32', { versions: '1+', default: -1, ignorable: true }),
    field(
      'topics',
      array(
        struct('TopicData', [
          field('topicName', 'string'),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partitionIndex', 'int32'),
                field('replicaEpoch', 'int32'),
                field('replicaId', 'int32'),
                field('replicaDirectoryId', 'uuid', { versions: '1+', ignorable: true }),
                field('voterDirectoryId', 'uuid', { versions: '1+', ignorable: true }),
                field('lastOffsetEpoch', 'int32'),
                field('lastOffset', 'int64'),
                field('preVote', 'bool', { versions: '2+' }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('errorCode', 'int16'),
    field(
      'topics',
      array(
        struct('TopicData', [
          field('topicName', 'string'),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partitionIndex', 'int32'),
                field('errorCode', 'int16'),
                field('leaderId', 'int32'),
                field('leaderEpoch', 'int32'),
                field('voteGranted', 'bool'),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field(
      'nodeEndpoints',
      array(
        struct('NodeEndpoint', [field('nodeId', 'int32'), field('host', 'string'), field('port', 'uint16')]),
      ),
      { versions: '1+', tag: 0 },
    ),
  ],
});
