import { atLeast, between, betweenOr, eachOneOf, oneOf } from '../setting-check.ts';
import { boolean, double, int, list, long, notSupported, string, withoutEffect } from '../setting.ts';
import { LONG_MAX } from './limits.ts';
import { KAFKA_VERSION } from './kafka-version.ts';
import { THROTTLED_REPLICAS } from './throttled-replicas.ts';
import { LZ4_LEVEL, NO_REMOTE } from './reasons.ts';

/** Settings of a topic (LogConfig of Kafka 3.9). */
export const topicSettings = {
  'segment.bytes': int({
    default: 1_073_741_824,
    check: atLeast(14),
    unit: 'bytes',
    about: 'Size at which a segment file is closed and a new one begun.',
  }),
  'segment.ms': long({
    default: 604_800_000,
    check: atLeast(1),
    unit: 'ms',
    about: 'Age at which a segment file is closed.',
  }),
  'segment.jitter.ms': long({
    default: 0,
    check: atLeast(0),
    unit: 'ms',
    about: 'Most that is randomly taken off segment.ms.',
  }),
  'segment.index.bytes': int({
    default: 10_485_760,
    check: atLeast(4),
    unit: 'bytes',
    about: 'Size of an offset index file.',
  }),
  'flush.messages': long({
    default: LONG_MAX,
    check: atLeast(1),
    about: 'Records that may be written before a flush to the disk.',
  }),
  'flush.ms': long({
    default: LONG_MAX,
    check: atLeast(0),
    unit: 'ms',
    about: 'Time that records may stay unflushed.',
  }),
  'retention.bytes': long({
    default: -1,
    unit: 'bytes',
    about: 'Most bytes kept per partition; -1: no limit.',
  }),
  'retention.ms': long({
    default: 604_800_000,
    check: atLeast(-1),
    unit: 'ms',
    about: 'How long records are kept; -1: for ever.',
  }),
  'max.message.bytes': int({
    default: 1_048_588,
    check: atLeast(0),
    unit: 'bytes',
    about: 'Largest batch of records that is accepted, after compression.',
  }),
  'index.interval.bytes': int({
    default: 4096,
    check: atLeast(0),
    unit: 'bytes',
    about: 'Bytes of records between two entries of the offset index.',
  }),
  'delete.retention.ms': long({
    default: 86_400_000,
    check: atLeast(0),
    unit: 'ms',
    about:
      'How long tombstones and transaction markers stay in a compacted topic after they were first compacted.',
  }),
  'min.compaction.lag.ms': long({
    default: 0,
    check: atLeast(0),
    unit: 'ms',
    about: 'Age before which a record is not compacted.',
  }),
  'max.compaction.lag.ms': long({
    default: LONG_MAX,
    check: atLeast(1),
    unit: 'ms',
    about: 'Age at which a record must be compacted.',
  }),
  'file.delete.delay.ms': long({
    default: 60000,
    check: atLeast(0),
    unit: 'ms',
    about: 'How long deleted files stay on the disk.',
  }),
  'min.cleanable.dirty.ratio': double({
    default: 0.5,
    check: between(0, 1),
    about: 'Share of uncompacted bytes from which the log is compacted.',
  }),
  'cleanup.policy': list({
    default: ['delete'],
    check: eachOneOf('compact', 'delete'),
    about: 'What happens to old records: delete, compact, or both.',
  }),
  'unclean.leader.election.enable': boolean({
    default: false,
    about: 'Whether a replica that is not in sync may become leader, losing records.',
  }),
  'min.insync.replicas': int({
    default: 1,
    check: atLeast(1),
    about: 'In-sync replicas that must hold a record before a producer with acks=all has its answer.',
  }),
  'compression.type': string({
    default: 'producer',
    check: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    about: 'Compression in which batches are stored: as the producer sent them, none, or a given one.',
  }),
  'compression.gzip.level': int({
    default: -1,
    check: betweenOr(1, 9, -1),
    about: 'Level of gzip where the broker compresses.',
  }),
  'compression.lz4.level': int({
    default: 9,
    check: between(1, 17),
    status: withoutEffect(LZ4_LEVEL),
    about: 'Level of lz4 where the broker compresses.',
  }),
  'compression.zstd.level': int({
    default: 3,
    check: between(-131_072, 22),
    about: 'Level of zstd where the broker compresses.',
  }),
  preallocate: boolean({
    default: false,
    status: withoutEffect('files grow as they are written; allocating ahead speeds up no disk of today'),
    about: 'Whether new segment files get their full size at once.',
  }),
  'message.format.version': string({
    default: '3.0-IV1',
    check: KAFKA_VERSION,
    status: withoutEffect('as in Kafka from 3.0 on records are stored in format version 2'),
    about: 'Format in which records are stored.',
  }),
  'message.timestamp.type': string({
    default: 'CreateTime',
    check: oneOf('CreateTime', 'LogAppendTime'),
    about: "Whether a record's timestamp is that of its creation or of its arrival.",
  }),
  'message.timestamp.difference.max.ms': long({
    default: LONG_MAX,
    check: atLeast(0),
    unit: 'ms',
    about:
      "Most that a record's timestamp may differ from the broker's clock; used where the two settings for before and after are not set.",
  }),
  'message.timestamp.before.max.ms': long({
    default: LONG_MAX,
    check: atLeast(0),
    unit: 'ms',
    about: "Most that a record's timestamp may lie before the broker's clock.",
  }),
  'message.timestamp.after.max.ms': long({
    default: LONG_MAX,
    check: atLeast(0),
    unit: 'ms',
    about: "Most that a record's timestamp may lie after the broker's clock.",
  }),
  'leader.replication.throttled.replicas': list({
    default: [],
    check: THROTTLED_REPLICAS,
    about: 'Replicas whose serving of followers is throttled, as partition:broker,... or *.',
  }),
  'follower.replication.throttled.replicas': list({
    default: [],
    check: THROTTLED_REPLICAS,
    about: 'Replicas whose fetching is throttled, as partition:broker,... or *.',
  }),
  'message.downconversion.enable': boolean({
    default: true,
    importance: 'low',
    about: 'Whether records are converted for consumers that know only older formats.',
  }),
  'remote.storage.enable': boolean({
    default: false,
    status: notSupported('tiered storage is absent', 'stop'),
    about: 'Whether old segments move to remote storage.',
  }),
  'local.retention.ms': long({
    default: -2,
    check: atLeast(-2),
    unit: 'ms',
    status: withoutEffect(NO_REMOTE),
    about: 'How long records stay on the local disk; -2: as long as they are kept.',
  }),
  'local.retention.bytes': long({
    default: -2,
    check: atLeast(-2),
    unit: 'bytes',
    status: withoutEffect(NO_REMOTE),
    about: 'Most bytes that stay on the local disk; -2: as many as are kept.',
  }),
  'remote.log.copy.disable': boolean({
    default: false,
    status: withoutEffect(NO_REMOTE),
    about: 'Whether no more segments move to remote storage; not allowed in ZooKeeper mode.',
  }),
  'remote.log.delete.on.disable': boolean({
    default: false,
    status: withoutEffect(NO_REMOTE),
    about: 'Whether remote segments are removed when tiering is switched off; not allowed in ZooKeeper mode.',
  }),
};
