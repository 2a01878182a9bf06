import { api, array, field, struct } from './notation.ts';

export const beginQuorumEpochSchema = api(53, 'BeginQuorumEpoch', {
  versions: '0-1',
  flexible: '1+',
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
                field('voterDirectoryId', 'uuid', { versions: '1+', ignorable: true }),
                field('leaderId', 'int32'),
                field('leaderEpoch', 'int32'),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field(
      'leaderEndpoints',
      array(
        struct('LeaderEndpoint', [field('name', 'string'), field('host', 'string'), field('port', 'uint16')]),
      ),
      { versions: '1+', ignorable: true },
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
