import { api, array, field, struct } from './notation.ts';

export const alterReplicaLogDirsSchema = api(34, 'AlterReplicaLogDirs', {
  versions: '0-2',
  flexible: '2+',
  request: [
    field(
      'dirs',
      array(
        struct('AlterReplicaLogDir', [
          field('path', 'string'),
          field(
            'topics',
            array(struct('Topic', [field('name', 'string'), field('partitions', array('int32'))])),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'results',
      array(
        struct('TopicResult', [
          field('topicName', 'string'),
          field(
            'partitions',
            array(struct('PartitionResult', [field('partitionIndex', 'int32'), field('errorCode', 'int16')])),
          ),
        ]),
      ),
    ),
  ],
});
