import { api, array, field, struct } from './notation.ts';

export const createPartitionsSchema = api(37, 'CreatePartitions', {
  versions: '0-3',
  flexible: '2+',
  request: [
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string'),
          field('count', 'int32'),
          field('assignments', array(struct('Assignment', [field('brokerIds', array('int32'))])), {
            nullable: true,
          }),
        ]),
      ),
    ),
    field('timeoutMs', 'int32'),
    field('validateOnly', 'bool'),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'results',
      array(
        struct('TopicResult', [
          field('name', 'string'),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true, default: null }),
        ]),
      ),
    ),
  ],
});
