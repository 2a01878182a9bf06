import { atLeast } from '../setting-check.ts';
import { className, int, notSupported, withoutEffect } from '../setting.ts';
import { JAVA_CLASS, NO_QUOTAS } from './reasons.ts';

/** Limits on clients and on replication. */
export const quotasSettings = {
  'client.quota.callback.class': className({
    default: null,
    importance: 'low',
    status: notSupported(JAVA_CLASS, 'stop'),
    about: 'Class that sets quotas of clients.',
  }),
  'quota.window.num': int({
    default: 11,
    check: atLeast(1),
    importance: 'low',
    status: withoutEffect(NO_QUOTAS),
    about: 'Windows over which the use of clients is measured.',
  }),
  'quota.window.size.seconds': int({
    default: 1,
    check: atLeast(1),
    unit: 'seconds',
    importance: 'low',
    status: withoutEffect(NO_QUOTAS),
    about: 'Length of such a window.',
  }),
  'replication.quota.window.num': int({
    default: 11,
    check: atLeast(1),
    importance: 'low',
    about: 'Windows over which replication is measured.',
  }),
  'replication.quota.window.size.seconds': int({
    default: 1,
    check: atLeast(1),
    unit: 'seconds',
    importance: 'low',
    about: 'Length of such a window.',
  }),
  'alter.log.dirs.replication.quota.window.num': int({
    default: 11,
    check: atLeast(1),
    importance: 'low',
    status: withoutEffect(NO_QUOTAS),
    about: 'Windows over which moves between directories are measured.',
  }),
  'alter.log.dirs.replication.quota.window.size.seconds': int({
    default: 1,
    check: atLeast(1),
    unit: 'seconds',
    importance: 'low',
    status: withoutEffect(NO_QUOTAS),
    about: 'Length of such a window.',
  }),
  'controller.quota.window.num': int({
    default: 11,
    check: atLeast(1),
    importance: 'low',
    status: withoutEffect(NO_QUOTAS),
    about: 'Windows over which changes of topics are measured.',
  }),
  'controller.quota.window.size.seconds': int({
    default: 1,
    check: atLeast(1),
    unit: 'seconds',
    importance: 'low',
    status: withoutEffect(NO_QUOTAS),
    about: 'Length of such a window.',
  }),
};
