import { api, array, field, struct } from './notation.ts';

export const createAclsSchema = api(30, 'CreateAcls', {
  versions: '0-3',
  flexible: '2+',
  request: [
    field(
      'creations',
      array(
        struct('AclCreation', [
          field('resourceType', 'int8'),
          field('resourceName', 'string'),
          field('resourcePatternType', 'int8', { versions: '1+', default: 3 }),
          field('principal', 'string'),
          field('host', 'string'),
          field('operation', 'int8'),
          field('permissionType', 'int8'),
        ]),
      ),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'results',
      array(
        struct('AclCreationResult', [
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
        ]),
      ),
    ),
  ],
});
