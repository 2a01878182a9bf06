import { api, array, field, struct } from './notation.ts';

export const listPartitionReassignmentsSchema = api(46, 'ListPartitionReassignments', {
  versions: '0',
  flexible: '0+',
  request: [
    field('timeoutMs', 'int32', { default: 60000 }),
    field(
      'topics',
      array(struct('Topics', [field('name', 'string'), field('partitionIndexes', array('int32'))])),
      { nullable: true, default: null },
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
    field(
      'topics',
      array(
        struct('OngoingTopicReassignment', [
          field('name', 'string'),
          field(
            'partitions',
            array(
              struct('OngoingPartitionReassignment', [
                field('partitionIndex', 'int32'),
                field('replicas', array('int32')),
                field('addingReplicas', array('int32')),
                field('removingReplicas', array('int32')),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
