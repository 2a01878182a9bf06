import { api, array, field, struct } from './notation.ts';

export const deleteTopicsSchema = api(20, 'DeleteTopics', {
  versions: '0-6',
  flexible: '4+',
  request: [
    field(
      'topics',
      array(
        struct('State', [
          field('name', 'string', { nullable: true, default: null }),
          field('topicId', 'uuid'),
        ]),
      ),
      { versions: '6+' },
    ),
    field('topicNames', array('string'), { versions: '0-5', ignorable: true }),
    field('timeoutMs', 'int32'),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '1+', ignorable: true }),
    field(
      'responses',
      array(
        struct('DeletableTopicResult', [
          field('name', 'string', { nullable: '6+' }),
          field('topicId', 'uuid', { versions: '6+', ignorable: true }),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { versions: '5+', nullable: true, default: null, ignorable: true }),
        ]),
      ),
    ),
  ],
});
