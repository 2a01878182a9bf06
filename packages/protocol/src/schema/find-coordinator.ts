import { api, array, field, struct } from './notation.ts';

export const findCoordinatorSchema = api(10, 'FindCoordinator', {
  versions: '0-6',
  flexible: '3+',
  request: [
    field('key', 'string', { versions: '0-3' }),
    field('keyType', 'int8', { versions: '1+', default: 0 }),
    field('coordinatorKeys', array('string'), { versions: '4+' }),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '1+', ignorable: true }),
    field('errorCode', 'int16', { versions: '0-3' }),
    field('errorMessage', 'string', { versions: '1-3', nullable: true, ignorable: true }),
    field('nodeId', 'int32', { versions: '0-3' }),
    field('host', 'string', { versions: '0-3' }),
    field('port', 'int32', { versions: '0-3' }),
    field(
      'coordinators',
      array(
        struct('Coordinator', [
          field('key', 'string'),
          field('nodeId', 'int32'),
          field('host', 'string'),
          field('port', 'int32'),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true, ignorable: true }),
        ]),
      ),
      { versions: '4+' },
    ),
  ],
});
