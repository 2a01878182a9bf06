import { api, array, field, struct } from './notation.ts';

export const syncGroupSchema = api(14, 'SyncGroup', {
  versions: '0-5',
  flexible: '4+',
  request: [
    field('groupId', 'string'),
    field('generationId', 'int32'),
    field('memberId', 'string'),
    field('groupInstanceId', 'string', { versions: '3+', nullable: true, default: null }),
    field('protocolType', 'string', { versions: '5+', nullable: true, default: null, ignorable: true }),
    field('protocolName', 'string', { versions: '5+', nullable: true, default: null, ignorable: true }),
    field(
      'assignments',
      array(struct('Assignment', [field('memberId', 'string'), field('assignment', 'bytes')])),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '1+', ignorable: true }),
    field('errorCode', 'int16'),
    field('protocolType', 'string', { versions: '5+', nullable: true, default: null, ignorable: true }),
    field('protocolName', 'string', { versions: '5+', nullable: true, default: null, ignorable: true }),
    field('assignment', 'bytes'),
  ],
});
