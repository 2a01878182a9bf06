import { atLeast } from '../setting-check.ts';
import { int, long, short, withoutEffect } from '../setting.ts';

/** The offsets topic. */
export const offsetsSettings = {
  'offset.metadata.max.bytes': int({
    default: 4096,
    unit: 'bytes',
    importance: 'high',
    about: 'Most bytes of text that may be committed with an offset.',
  }),
  'offsets.load.buffer.size': int({
    default: 5_242_880,
    check: atLeast(1),
    unit: 'bytes',
    importance: 'high',
    about: 'Bytes read at a time when offsets are loaded.',
  }),
  'offsets.topic.replication.factor': short({
    default: 3,
    check: atLeast(1),
    importance: 'high',
    about:
      'Replicas of the offsets topic. A single broker without ZooKeeper uses 1 unless told otherwise: with more the topic cannot be created.',
  }),
  'offsets.topic.num.partitions': int({
    default: 50,
    check: atLeast(1),
    importance: 'high',
    about: 'Partitions of the offsets topic; not to be changed once it exists.',
  }),
  'offsets.topic.segment.bytes': int({
    default: 104_857_600,
    check: atLeast(1),
    unit: 'bytes',
    importance: 'high',
    about: 'Segment size of the offsets topic.',
  }),
  'offsets.topic.compression.codec': int({
    default: 0,
    importance: 'high',
    about: 'Compression of the offsets topic: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.',
  }),
  'offsets.retention.minutes': int({
    default: 10080,
    check: atLeast(1),
    unit: 'minutes',
    importance: 'high',
    about: 'How long offsets of a group without members are kept.',
  }),
  'offsets.retention.check.interval.ms': long({
    default: 600_000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'high',
    about: 'How often offsets that are due to be removed are looked for.',
  }),
  'offsets.commit.timeout.ms': int({
    default: 5000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'high',
    about: 'How long a commit may wait for the replicas of the offsets topic.',
  }),
  'offsets.commit.required.acks': short({
    default: -1,
    importance: 'high',
    status: withoutEffect(
      'a commit waits for the in-sync replicas, as Kafka advises; 4.0 removed the setting',
    ),
    about: 'Acknowledgements that a commit waits for.',
  }),
};
