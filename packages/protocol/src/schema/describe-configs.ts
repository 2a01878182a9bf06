import { api, array, field, struct } from './notation.ts';

export const describeConfigsSchema = api(32, 'DescribeConfigs', {
  versions: '0-4',
  flexible: '4+',
  request: [
    field(
      'resources',
      array(
        struct('Resource', [
          field('resourceType', 'int8'),
          field('resourceName', 'string'),
          field('configurationKeys', array('string'), { nullable: true }),
        ]),
      ),
    ),
    field('includeSynonyms', 'bool', { versions: '1+', default: false }),
    field('includeDocumentation', 'bool', { versions: '3+', default: false }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'results',
      array(
        struct('Result', [
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
          field('resourceType', 'int8'),
          field('resourceName', 'string'),
          field(
            'configs',
            array(
              struct('ResourceResult', [
                field('name', 'string'),
                field('value', 'string', { nullable: true }),
                field('readOnly', 'bool'),
                field('isDefault', 'bool', { versions: '0' }),
                field('configSource', 'int8', { versions: '1+', default: -1, ignorable: true }),
                field('isSensitive', 'bool'),
                field(
                  'synonyms',
                  array(
                    struct('Synonym', [
                      field('name', 'string'),
                      field('value', 'string', { nullable: true }),
                      field('source', 'int8'),
                    ]),
                  ),
                  { versions: '1+', ignorable: true },
                ),
                field('configType', 'int8', { versions: '3+', default: 0, ignorable: true }),
                field('documentation', 'string', { versions: '3+', nullable: true, ignorable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
