import { api, array, field, struct } from './notation.ts';

export const listGroupsSchema = api(16, 'ListGroups', {
  versions: '0-5',
  flexible: '3+',
  request: [
    field('statesFilter', array('string'), { versions: '4+' }),
    field('typesFilter', array('string'), { versions: '5+' }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '1+', ignorable: true }),
    field('errorCode', 'int16'),
    field(
      'groups',
      array(
        struct('ListedGroup', [
          field('groupId', 'string'),
          field('protocolType', 'string'),
          field('groupState', 'string', { versions: '4+', ignorable: true }),
          field('groupType', 'string', { versions: '5+', ignorable: true }),
        ]),
      ),
    ),
  ],
});
