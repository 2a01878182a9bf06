import { api, array, field, struct } from './notation.ts';

export const leaveGroupSchema = api(13, 'LeaveGroup', {
  versions: '0-5',
  flexible: '4+',
  request: [
    field('groupId', 'string'),
    field('memberId', 'string', { versions: '0-2' }),
    field(
      'members',
      array(
        struct('MemberIdentity', [
          field('memberId', 'string'),
          field('groupInstanceId', 'string', { nullable: true, default: null }),
          field('reason', 'string', { versions: '5+', nullable: true, default: null, ignorable: true }),
        ]),
      ),
      { versions: '3+' },
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32', { versions: '1+', ignorable: true }),
    field('errorCode', 'int16'),
    field(
      'members',
      array(
        struct('Member', [
          field('memberId', 'string'),
          field('groupInstanceId', 'string', { nullable: true }),
          field('errorCode', 'int16'),
        ]),
      ),
      { versions: '3+' },
    ),
  ],
});
