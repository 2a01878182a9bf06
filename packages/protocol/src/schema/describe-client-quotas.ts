import { api, array, field, struct } from './notation.ts';

export const describeClientQuotasSchema = api(48, 'DescribeClientQuotas', {
  versions: '0-1',
  flexible: '1+',
  request: [
    field(
      'components',
      array(
        struct('ComponentData', [
          field('entityType', 'string'),
          field('matchType', 'int8'),
          field('match', 'string', { nullable: true }),
        ]),
      ),
    ),
    field('strict', 'bool'),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
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
          field('values', array(struct('ValueData', [field('key', 'string'), field('value', 'float64')]))),
        ]),
      ),
      { nullable: true },
    ),
  ],
});
