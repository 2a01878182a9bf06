import { api, array, field, struct } from './notation.ts';

export const alterClientQuotasSchema = api(49, 'AlterClientQuotas', {
  versions: '0-1',
  flexible: '1+',
  request: [
    field(
      'entries',
      array(
        struct('EntryData', [
          field(
            'entity',
            array(
              struct('EntityData', [
                field('entityType', 'string'),
                field('entityName', 'string', { nullable: true }),
              ]),
            ),
          ),
          field(
            'ops',
            array(
              struct('OpData', [field('key', 'string'), field('value', 'float64'), field('remove', 'bool')]),
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
      'entries',
      array(
        struct('EntryData', [
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
          field(
            'entity',
            array(
              struct('EntityData', [
                field('entityType', 'string'),
                field('entityName', 'string', { nullable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
});
