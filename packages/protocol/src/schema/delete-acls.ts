import { api, array, field, struct } from './notation.ts';

export const deleteAclsSchema = api(31, 'DeleteAcls', {
  versions: '0-3',
  flexible: '2+',
  request: [
    field(
      'filters',
      array(
        struct('Filter', [
          field('resourceTypeFilter', 'int8'),
          field('resourceNameFilter', 'string', { nullable: true }),
          field('patternTypeFilter', 'int8', { versions: '1+', default: 3 }),
          field('principalFilter', 'string', { nullable: true }),
          field('hostFilter', 'string', { nullable: true }),
          field('operation', 'int8'),
          field('permissionType', 'int8'),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'filterResults',
      array(
        struct('FilterResult', [
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
          field(
            'matchingAcls',
            array(
              struct('MatchingAcl', [
                field('errorCode', 'int16'),
                field('errorMessage', 'string', { nullable: true }),
                field('resourceType', 'int8'),
                field('resourceName', 'string'),
                field('patternType', 'int8', { versions: '1+', default: 3 }),
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
