import { atLeast } from '../setting-check.ts';
import { long } from '../setting.ts';
import { LONG_MAX } from './limits.ts';

/** Broker settings that exist only while it runs: in no file, and not described unless set. */
export const dynamicOnlySettings = {
  'leader.replication.throttled.rate': long({
    default: LONG_MAX,
    check: atLeast(0),
    unit: 'bytes/s',
    update: 'cluster-wide',
    about: 'Most bytes per second that leaders send to throttled followers.',
  }),
  'follower.replication.throttled.rate': long({
    default: LONG_MAX,
    check: atLeast(0),
    unit: 'bytes/s',
    update: 'cluster-wide',
    about: 'Most bytes per second that throttled followers fetch.',
  }),
  'replica.alter.log.dirs.io.max.bytes.per.second': long({
    default: LONG_MAX,
    check: atLeast(0),
    unit: 'bytes/s',
    update: 'cluster-wide',
    about: 'Most bytes per second that moves of replicas between data directories copy.',
  }),
};

export type DynamicOnlyName = keyof typeof dynamicOnlySettings;
