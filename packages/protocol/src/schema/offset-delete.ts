import { api, array, field, struct } from './notation.ts';

export const offsetDeleteSchema = api(47, 'OffsetDelete', {
  versions: '0',
  request: [
    field('groupId', 'string'),
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string'),
          field('partitions', array(struct('Partition', [field('partitionIndex', 'int32')]))),
        ]),
      ),
    ),
  ],
  response: [
    field('errorCode', 'int16'),
    field('throttleTimeMs', 'int32', { ignorable: true }),
    field(
      'topics',
      array(
        struct('Topic', [
          field('name', 'string'),
          field(
            'partitions',
            array(struct('Partition', [field('partitionIndex', 'int32'), field('errorCode', 'int16')])),
          ),
        ]),
      ),
    ),
  ],
});
