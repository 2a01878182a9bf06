import { api, array, field, struct } from './notation.ts';

export const endQuorumEpochSchema = api(54, 'EndQuorumEpoch', {
  versions: '0-1',
  flexible: '1+',
  request: [
    field('clusterId', 'string', { nullable: true, default: null }),
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
                field('leaderId', 'int32'),
                field('leaderEpoch', 'int32'),
                field('preferredSuccessors', array('int32'), { versions: '0', ignorable: true }),
                field(
                  'preferredCandidates',
                  array(
                    struct('ReplicaInfo', [
                      field('candidateId', 'int32'),
                      field('candidateDirectoryId', 'uuid'),
                    ]),
                  ),
                  { versions: '1+', ignorable: true },
                ),
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
