import { atLeast, between } from '../setting-check.ts';
import { boolean, int, short, withoutEffect } from '../setting.ts';
import { NO_SHARE_GROUPS } from './reasons.ts';

/** Share groups (KIP-932). */
export const shareGroupsSettings = {
  'group.share.enable': boolean({
    default: false,
    internal: true,
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Whether share groups are served.',
  }),
  'group.share.delivery.count.limit': int({
    default: 5,
    check: between(2, 10),
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'How often a record is delivered before it is given up.',
  }),
  'group.share.max.groups': short({
    default: 10,
    check: between(1, 100),
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Most share groups.',
  }),
  'group.share.max.size': short({
    default: 200,
    check: between(10, 1000),
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Most members of a share group.',
  }),
  'group.share.session.timeout.ms': int({
    default: 45000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Session timeout of members.',
  }),
  'group.share.min.session.timeout.ms': int({
    default: 45000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Shortest session timeout that a group may set.',
  }),
  'group.share.max.session.timeout.ms': int({
    default: 60000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Longest session timeout that a group may set.',
  }),
  'group.share.heartbeat.interval.ms': int({
    default: 5000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Time between heartbeats that members are told.',
  }),
  'group.share.min.heartbeat.interval.ms': int({
    default: 5000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Shortest heartbeat interval that a group may set.',
  }),
  'group.share.max.heartbeat.interval.ms': int({
    default: 15000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Longest heartbeat interval that a group may set.',
  }),
  'group.share.record.lock.duration.ms': int({
    default: 30000,
    check: between(1000, 60000),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'How long a delivered record belongs to its consumer.',
  }),
  'group.share.min.record.lock.duration.ms': int({
    default: 15000,
    check: between(1000, 30000),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Shortest such time that a group may set.',
  }),
  'group.share.max.record.lock.duration.ms': int({
    default: 60000,
    check: between(30000, 3_600_000),
    unit: 'ms',
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Longest such time that a group may set.',
  }),
  'group.share.partition.max.record.locks': int({
    default: 200,
    check: between(100, 10000),
    status: withoutEffect(NO_SHARE_GROUPS),
    about: 'Most records of a partition that are delivered and not yet acknowledged.',
  }),
};
