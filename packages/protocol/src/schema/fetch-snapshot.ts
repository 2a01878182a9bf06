import { api, array, field, struct } from './notation.ts';

export const fetchSnapshotSchema = api(59, 'FetchSnapshot', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field('clusterId', 'string', { nullable: true, tag: 0, default: null }),
    field('replicaId', 'int32', { default: -1 }),
    field('maxBytes', 'int32', { default: 2147483647 }),
    field(
      'topics',
      array(
        struct('TopicSnapshot', [
          field('name', 'string'),
          field(
            'partitions',
            array(
              struct('PartitionSnapshot', [
                field('partition', 'int32'),
                field('currentLeaderEpoch', 'int32'),
                field(
                  'snapshotId',
                  struct('SnapshotId', [field('endOffset', 'int64'), field('epoch', 'int32')]),
                ),
                field('position', 'int64'),
                field('replicaDirectoryId', 'uuid', { versions: '1+', tag: 0, ignorable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32', { ignorable: true }),
    field('errorCode', 'int16'),
    field(
      'topics',
      array(
        struct('TopicSnapshot', [
          field('name', 'string'),
          field(
            'partitions',
            array(
              struct('PartitionSnapshot', [
                field('index', 'int32'),
                field('errorCode', 'int16'),
                field(
                  'snapshotId',
                  struct('SnapshotId', [field('endOffset', 'int64'), field('epoch', 'int32')]),
                ),
                field(
                  'currentLeader',
                  struct('LeaderIdAndEpoch', [field('leaderId', 'int32'), field('leaderEpoch', 'int32')]),
                  { tag: 0 },
                ),
                field('size', 'int64'),
                field('position', 'int64'),
                field('unalignedRecords', 'records'),
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
