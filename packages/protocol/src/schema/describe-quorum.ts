import { api, array, field, struct } from './notation.ts';

const replicaState = struct('ReplicaState', [
  field('replicaId', 'int32'),
  field('replicaDirectoryId', 'uuid', { versions: '2+' }),
  field('logEndOffset', 'int64'),
  field('lastFetchTimestamp', 'int64', { versions: '1+', default: -1, ignorable: true }),
  field('lastCaughtUpTimestamp', 'int64', { versions: '1+', default: -1, ignorable: true }),
]);

export const describeQuorumSchema = api(55, 'DescribeQuorum', {
  versions: '0-2',
  flexible: '0+',
  request: [
    field(
      'topics',
      array(
        struct('TopicData', [
          field('topicName', 'string'),
          field('partitions', array(struct('PartitionData', [field('partitionIndex', 'int32')]))),
        ]),
      ),
    ),
  ],
  response: [
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { versions: '2+', nullable: true, ignorable: true }),
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
                field('errorMessage', 'string', { versions: '2+', nullable: true, ignorable: true }),
                field('leaderId', 'int32'),
                field('leaderEpoch', 'int32'),
                field('highWatermark', 'int64'),
                field('currentVoters', array(replicaState)),
                field('observers', array(replicaState)),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field(
      'nodes',
      array(
        struct('Node', [
          field('nodeId', 'int32'),
          field(
            'listeners',
            array(
              struct('Listener', [field('name', 'string'), field('host', 'string'), field('port', 'uint16')]),
            ),
          ),
        ]),
      ),
      { versions: '2+' },
    ),
  ],
});
