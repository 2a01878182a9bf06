import { api, array, field, struct } from './notation.ts';

export const deleteShareGroupOffsetsSchema = api(92, 'DeleteShareGroupOffsets', {
  versions: '0',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field('topics', array(struct('Topic', [field('topicName', 'string')]))),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, default: null }),
    field(
      'responses',
      array(
        struct('Topic', [
          field('topicName', 'string'),
          field('topicId', 'uuid'),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true, default: null }),
        ]),
      ),
    ),
  ],
});
