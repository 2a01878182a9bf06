import { api, array, field, struct } from './notation.ts';

export const alterConfigsSchema = api(33, 'AlterConfigs', {
  versions: '0-2',
  flexible: '2+',
  request: [
    field(
      'resources',
      array(
        struct('Resource', [
          field('resourceType', 'int8'),
          field('resourceName', 'string'),
          field(
            'configs',
            array(
              struct('AlterableConfig', [
                field('name', 'string'),
                field('value', 'string', { nullable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field('validateOnly', 'bool'),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'responses',
      array(
        struct('Resource', [
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
          field('resourceType', 'int8'),
          field('resourceName', 'string'),
        ]),
      ),
    ),
  ],
});
