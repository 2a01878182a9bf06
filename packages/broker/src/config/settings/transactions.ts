import { atLeast } from '../setting-check.ts';
import { boolean, int, short, withoutEffect } from '../setting.ts';
import { NO_TRANSACTIONS } from './reasons.ts';

/** Transactions and idempotent producers. */
export const transactionsSettings = {
  'producer.id.expiration.ms': int({
    default: 86_400_000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'low',
    update: 'cluster-wide',
    about: 'How long the state of an idempotent producer that writes no more is kept.',
  }),
  'producer.id.expiration.check.interval.ms': int({
    default: 600_000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'low',
    internal: true,
    about: 'How often producers that are due to be forgotten are looked for.',
  }),
  'transactional.id.expiration.ms': int({
    default: 604_800_000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'high',
    status: withoutEffect(NO_TRANSACTIONS),
    about: 'How long a transactional id that is not used is kept.',
  }),
  'transaction.max.timeout.ms': int({
    default: 900_000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'high',
    status: withoutEffect(NO_TRANSACTIONS),
    about: 'Longest transaction timeout that a producer may ask for.',
  }),
  'transaction.state.log.min.isr': int({
    default: 2,
    check: atLeast(1),
    importance: 'high',
    about:
      'In-sync replicas that the transaction topic asks for. A single broker without ZooKeeper uses 1 unless told otherwise.',
  }),
  'transaction.state.log.replication.factor': short({
    default: 3,
    check: atLeast(1),
    importance: 'high',
    about:
      'Replicas of the transaction topic. A single broker without ZooKeeper uses 1 unless told otherwise.',
  }),
  'transaction.state.log.num.partitions': int({
    default: 50,
    check: atLeast(1),
    importance: 'high',
    about: 'Partitions of the transaction topic; not to be changed once it exists.',
  }),
  'transaction.state.log.segment.bytes': int({
    default: 104_857_600,
    check: atLeast(1),
    unit: 'bytes',
    importance: 'high',
    about: 'Segment size of the transaction topic.',
  }),
  'transaction.state.log.load.buffer.size': int({
    default: 5_242_880,
    check: atLeast(1),
    unit: 'bytes',
    importance: 'high',
    status: withoutEffect(NO_TRANSACTIONS),
    about: 'Bytes read at a time when transactions are loaded.',
  }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int({
    default: 10000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'low',
    status: withoutEffect(NO_TRANSACTIONS),
    about: 'How often transactions that ran out of time are looked for.',
  }),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int({
    default: 3_600_000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'low',
    status: withoutEffect(NO_TRANSACTIONS),
    about: 'How often transactional ids that are due to be removed are looked for.',
  }),
  'transaction.partition.verification.enable': boolean({
    default: true,
    importance: 'low',
    update: 'cluster-wide',
    status: withoutEffect(NO_TRANSACTIONS),
    about: 'Whether a transactional write is checked against the coordinator.',
  }),
};
