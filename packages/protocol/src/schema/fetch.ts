import { INT64_MAX, api, array, field, struct } from './notation.ts';

export const fetchSchema = api(1, 'Fetch', {
  versions: '0-18',
  flexible: '12+',
  request: [
    field('clusterId', 'string', { versions: '12+', nullable: true, tag: 0, default: null, ignorable: true }),
    field('replicaId', 'int32', { versions: '0-14', default: -1 }),
    field(
      'replicaState',
      struct('ReplicaState', [
        field('replicaId', 'int32', { default: -1 }),
        field('replicaEpoch', 'int64', { default: -1 }),
      ]),
      { versions: '15+', tag: 1 },
    ),
    field('maxWaitMs', 'int32'),
    field('minBytes', 'int32'),
    field('maxBytes', 'int32', { versions: '3+', default: 2147483647, ignorable: true }),
    field('isolationLevel', 'int8', { versions: '4+', default: 0, ignorable: true }),
    field('sessionId', 'int32', { versions: '7+', default: 0, ignorable: true }),
    field('sessionEpoch', 'int32', { versions: '7+', default: -1, ignorable: true }),
    field(
      'topics',
      array(
        struct('Topic', [
          field('topic', 'string', { versions: '0-12', ignorable: true }),
          field('topicId', 'uuid', { versions: '13+', ignorable: true }),
          field(
            'partitions',
            array(
              struct('Partition', [
                field('partition', 'int32'),
                field('currentLeaderEpoch', 'int32', { versions: '9+', default: -1, ignorable: true }),
                field('fetchOffset', 'int64'),
                field('lastFetchedEpoch', 'int32', { versions: '12+', default: -1 }),
                field('logStartOffset', 'int64', { versions: '5+', default: -1, ignorable: true }),
                field('partitionMaxBytes', 'int32'),
                field('replicaDirectoryId', 'uuid', { versions: '17+', tag: 0, ignorable: true }),
                field('highWatermark', 'int64', {
                  versions: '18+',
                  tag: 1,
                  default: INT64_MAX,
                  ignorable: true,
                }),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field(
      'forgottenTopicsData',
      array(
        struct('ForgottenTopic', [
          field('topic', 'string', { versions: '7-12', ignorable: true }),
          field('topicId', 'uuid', { versions: '13+', ignorable: true }),
          field('partitions', array('int32')),
        ]),
      ),
      { versions: '7+' },
    ),
    field('rackId', 'string', { versions: '11+', default: '', ignorable: true }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '1+', ignorable: true }),
    field('errorCode', 'int16', { versions: '7+', ignorable: true }),
    field('sessionId', 'int32', { versions: '7+', default: 0 }),
    field(
      'responses',
      array(
        struct('FetchableTopic', [
          field('topic', 'string', { versions: '0-12', ignorable: true }),
          field('topicId', 'uuid', { versions: '13+', ignorable: true }),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partitionIndex', 'int32'),
                field('errorCode', 'int16'),
                field('highWatermark', 'int64'),
                field('lastStableOffset', 'int64', { versions: '4+', default: -1, ignorable: true }),
                field('logStartOffset', 'int64', { versions: '5+', default: -1, ignorable: true }),
                field(
                  'divergingEpoch',
                  struct('EpochEndOffset', [
                    field('epoch', 'int32', { default: -1 }),
                    field('endOffset', 'int64', { default: -1 }),
                  ]),
                  { versions: '12+', tag: 0 },
                ),
                field(
                  'currentLeader',
                  struct('LeaderIdAndEpoch', [
                    field('leaderId', 'int32', { default: -1 }),
                    field('leaderEpoch', 'int32', { default: -1 }),
                  ]),
                  { versions: '12+', tag: 1 },
                ),
                field(
                  'snapshotId',
                  struct('SnapshotId', [
                    field('endOffset', 'int64', { default: -1 }),
                    field('epoch', 'int32', { default: -1 }),
                  ]),
                  { versions: '12+', tag: 2 },
                ),
                field(
                  'abortedTransactions',
                  array(
                    struct('AbortedTransaction', [
                      field('producerId', 'int64'),
                      field('firstOffset', 'int64'),
                    ]),
                  ),
                  { versions: '4+', nullable: true, ignorable: true },
                ),
                field('preferredReadReplica', 'int32', { versions: '11+', default: -1 }),
                field('records', 'records', { nullable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field(
      'nodeEndpoints',
      array(
        struct('NodeEndpoint', [
          field('nodeId', 'int32'),
          field('host', 'string'),
          field('port', 'int32'),
          field('rack', 'string', { nullable: true, default: null }),
        ]),
      ),
      { versions: '16+', tag: 0 },
    ),
  ],
});
