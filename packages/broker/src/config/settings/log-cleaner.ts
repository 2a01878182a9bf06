import { atLeast, between } from '../setting-check.ts';
import { boolean, double, int, long, withoutEffect } from '../setting.ts';
import { LONG_MAX } from './limits.ts';
import { ONE_LOOP } from './reasons.ts';

/** Compaction. */
export const logCleanerSettings = {
  'log.cleaner.enable': boolean({
    default: true,
    about: 'Whether topics with the policy compact are compacted.',
  }),
  'log.cleaner.threads': int({
    default: 1,
    check: atLeast(0),
    update: 'cluster-wide',
    status: withoutEffect(ONE_LOOP),
    about: 'Threads that compact.',
  }),
  'log.cleaner.io.max.bytes.per.second': double({
    default: Number.MAX_VALUE,
    unit: 'bytes/s',
    update: 'cluster-wide',
    about: 'Most bytes that compaction reads and writes per second.',
  }),
  'log.cleaner.dedupe.buffer.size': long({
    default: 134_217_728,
    unit: 'bytes',
    update: 'cluster-wide',
    about:
      'Memory for the map of keys, 24 bytes a key; taken while a log is compacted, as far as it is needed.',
  }),
  'log.cleaner.io.buffer.size': int({
    default: 524_288,
    check: atLeast(0),
    unit: 'bytes',
    update: 'cluster-wide',
    about: 'Bytes that compaction reads at a time.',
  }),
  'log.cleaner.io.buffer.load.factor': double({
    default: 0.9,
    update: 'cluster-wide',
    about: 'How full the map of keys may become.',
  }),
  'log.cleaner.backoff.ms': long({
    default: 15000,
    check: atLeast(0),
    unit: 'ms',
    update: 'cluster-wide',
    about: 'Pause when there is nothing to compact.',
  }),
  'log.cleaner.min.cleanable.ratio': double({
    default: 0.5,
    check: between(0, 1),
    update: 'cluster-wide',
    about: 'Share of uncompacted bytes from which a log is compacted.',
  }),
  'log.cleaner.delete.retention.ms': long({
    default: 86_400_000,
    check: atLeast(0),
    unit: 'ms',
    update: 'cluster-wide',
    about: 'How long tombstones and transaction markers stay after they were first compacted.',
  }),
  'log.cleaner.min.compaction.lag.ms': long({
    default: 0,
    check: atLeast(0),
    unit: 'ms',
    update: 'cluster-wide',
    about: 'Age before which a record is not compacted.',
  }),
  'log.cleaner.max.compaction.lag.ms': long({
    default: LONG_MAX,
    check: atLeast(1),
    unit: 'ms',
    update: 'cluster-wide',
    about: 'Age at which a record must be compacted.',
  }),
};
