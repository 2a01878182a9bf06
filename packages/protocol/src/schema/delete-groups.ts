import { api, array, field, struct } from './notation.ts';

export const deleteGroupsSchema = api(42, 'DeleteGroups', {
  versions: '0-3',
  flexible: '2+',
  request: [field('groupsNames', array('string'))],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'results',
      array(
        struct('DeletableGroupResult', [
          field('groupId', 'string'),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { versions: '3+', nullable: true, default: null, ignorable: true }),
        ]),
      ),
    ),
  ],
});
