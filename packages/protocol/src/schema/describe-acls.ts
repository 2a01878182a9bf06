import { api, array, field, struct } from './notation.ts';

export const describeAclsSchema = api(29, 'DescribeAcls', {
  versions: '0-3',
  flexible: '2+',
  request: [
    field('resourceTypeFilter', 'int8'),
    field('resourceNameFilter', 'string', { nullable: true }),
    field('patternTypeFilter', 'int8', { versions: '1+', default: 3 }),
    field('principalFilter', 'string', { nullable: true }),
    field('hostFilter', 'string', { nullable: true }),
    field('operation', 'int8'),
    field('permissionType', 'int8'),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
    field(
      'resources',
      array(
        struct('Resource', [
          field('resourceType', 'int8'),
          field('resourceName', 'string'),
          field('patternType', 'int8', { versions: '1+', default: 3 }),
          field(
            'acls',
            array(
              struct('AclDescription', [
                field('principal', 'string'),
                field('host', 'string'),
                field('operation', 'int8'),
                field('permissionType', 'int8'),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
