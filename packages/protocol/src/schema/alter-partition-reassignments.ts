import { api, array, field, struct } from './notation.ts';

export const alterPartitionReassignmentsSchema = api(45, 'AlterPartitionReassignments', {
  versions: '0-1',
  flexible: '0+',
  request: [
    field('timeoutMs', 'int32', { default: 60000 }),
    field('allowReplicationFactorChange', 'bool', { versions: '1+', default: true }),
    field(
      'topics',
      array(
        struct('ReassignableTopic', [
          field('name', 'string'),
          field(
            'partitions',
            array(
              struct('ReassignablePartition', [
                field('partitionIndex', 'int32'),
                field('replicas', array('int32'), { nullable: true, default: null }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('allowReplicationFactorChange', 'bool', { versions: '1+', default: true, ignorable: true }),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
    field(
      'responses',
      array(
        struct('ReassignableTopic', [
          field('name', 'string'),
          field(
            'partitions',
            array(
              struct('ReassignablePartition', [
                field('partitionIndex', 'int32'),
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
