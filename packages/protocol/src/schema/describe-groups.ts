import { api, array, field, struct } from './notation.ts';

export const describeGroupsSchema = api(15, 'DescribeGroups', {
  versions: '0-6',
  flexible: '5+',
  request: [
    field('groups', array('string')),
    field('includeAuthorizedOperations', 'bool', { versions: '3+' }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '1+', ignorable: true }),
    field(
      'groups',
      array(
        struct('DescribedGroup', [
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { versions: '6+', nullable: true, default: null }),
          field('groupId', 'string'),
          field('groupState', 'string'),
          field('protocolType', 'string'),
          field('protocolData', 'string'),
          field(
            'members',
            array(
              struct('DescribedGroupMember', [
                field('memberId', 'string'),
                field('groupInstanceId', 'string', {
                  versions: '4+',
                  nullable: true,
                  default: null,
                  ignorable: true,
                }),
                field('clientId', 'string'),
                field('clientHost', 'string'),
                field('memberMetadata', 'bytes'),
                field('memberAssignment', 'bytes'),
              ]),
            ),
          ),
          field('authorizedOperations', 'int32', { versions: '3+', default: -2147483648 }),
        ]),
      ),
    ),
  ],
});
