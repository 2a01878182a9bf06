import { api, array, field, struct } from './notation.ts';

export const incrementalAlterConfigsSchema = api(44, 'IncrementalAlterConfigs', {
  versions: '0-1',
  flexible: '1+',
  request: [
    field(
      'resources',
      array(
        struct('AlterConfigsResource', [
          field('resourceType', 'int8'),
          field('resourceName', 'string'),
          field(
            'configs',
            array(
              struct('AlterableConfig', [
                field('name', 'string'),
                field('configOperation', 'int8'),
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
        struct('AlterConfigsResource', [
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
          field('resourceType', 'int8'),
          field('resourceName', 'string'),
        ]),
      ),
    ),
  ],
});
