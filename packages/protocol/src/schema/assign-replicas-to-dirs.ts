import { api, array, field, struct } from './notation.ts';

export const assignReplicasToDirsSchema = api(73, 'AssignReplicasToDirs', {
  versions: '0',
  flexible: '0+',
  request: [
    field('brokerId', 'int32'),
    field('brokerEpoch', 'int64', { default: -1 }),
    field(
      'directories',
      array(
        struct('DirectoryData', [
          field('id', 'uuid'),
          field(
            'topics',
            array(
              struct('TopicData', [
                field('topicId', 'uuid'),
                field('partitions', array(struct('PartitionData', [field('partitionIndex', 'int32')]))),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field(
      'directories',
      array(
        struct('DirectoryData', [
          field('id', 'uuid'),
          field(
            'topics',
            array(
              struct('TopicData', [
                field('topicId', 'uuid'),
                field(
                  'partitions',
                  array(
                    struct('PartitionData', [field('partitionIndex', 'int32'), field('errorCode', 'int16')]),
                  ),
                ),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
