import { api, array, field, struct } from './notation.ts';

export const listConfigResourcesSchema = api(74, 'ListConfigResources', {
  versions: '0-1',
  flexible: '0+',
  request: [field('resourceTypes', array('int8'), { versions: '1+' })],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field(
      'configResources',
      array(
        struct('ConfigResource', [
          field('resourceName', 'string'),
          field('resourceType', 'int8', { versions: '1+', default: 16, ignorable: true }),
        ]),
      ),
    ),
  ],
});
