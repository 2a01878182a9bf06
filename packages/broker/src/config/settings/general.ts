import { atLeast } from '../setting-check.ts';
import { boolean, className, int, long, notSupported, string, withoutEffect } from '../setting.ts';
import { KAFKA_VERSION } from './kafka-version.ts';
import { OWN_LIMITS, JAVA_CLASS, NO_PURGATORY, ONE_LOOP } from './reasons.ts';

/** Who this broker is, and what it does with topics and requests as a whole. */
export const generalSettings = {
  'broker.id': int({
    default: -1,
    importance: 'high',
    about:
      'Number of this broker, unique in the cluster, 0 or more. A single broker without ZooKeeper has 0 unless told otherwise.',
  }),
  'broker.id.generation.enable': boolean({
    default: true,
    about:
      'Whether a broker without a number (-1) has one generated; its data directories remember it (meta.properties).',
  }),
  'reserved.broker.max.id': int({
    default: 1000,
    check: atLeast(0),
    about: 'Generated broker numbers are greater than this.',
  }),
  'node.id': int({
    default: -1,
    importance: 'high',
    about: 'Another name of broker.id; where both are set they must be equal.',
  }),
  'broker.rack': string({
    default: null,
    about: 'Rack of this broker, for spreading replicas and for clients that read from near by.',
  }),
  'auto.create.topics.enable': boolean({
    default: true,
    importance: 'high',
    about: 'Whether asking for the metadata of a missing topic may create it.',
  }),
  'num.partitions': int({
    default: 1,
    check: atLeast(1),
    about: 'Partitions of a topic that is created without saying how many.',
  }),
  'default.replication.factor': int({
    default: 1,
    about: 'Replicas of a topic that is created without saying how many.',
  }),
  'delete.topic.enable': boolean({
    default: true,
    importance: 'high',
    about: 'Whether topics can be deleted.',
  }),
  'create.topic.policy.class.name': className({
    default: null,
    importance: 'low',
    status: notSupported(JAVA_CLASS, 'stop'),
    about: 'Class that may refuse the creation of topics.',
  }),
  'alter.config.policy.class.name': className({
    default: null,
    importance: 'low',
    status: notSupported(JAVA_CLASS, 'stop'),
    about: 'Class that may refuse changes of settings.',
  }),
  'background.threads': int({
    default: 10,
    check: atLeast(1),
    importance: 'high',
    update: 'cluster-wide',
    status: withoutEffect(ONE_LOOP),
    about: 'Threads for background work.',
  }),
  'request.timeout.ms': int({
    default: 30000,
    unit: 'ms',
    importance: 'high',
    status: withoutEffect(OWN_LIMITS),
    about: 'How long the broker waits for the answer to a request of its own.',
  }),
  'max.request.partition.size.limit': int({
    default: 2000,
    check: atLeast(1),
    about: 'Most partitions that one DescribeTopicPartitions answer holds.',
  }),
  'fetch.max.bytes': int({
    default: 57_671_680,
    check: atLeast(1024),
    unit: 'bytes',
    about: 'Most bytes of records in one fetch answer.',
  }),
  'max.incremental.fetch.session.cache.slots': int({
    default: 1000,
    check: atLeast(0),
    about: 'Most incremental fetch sessions kept.',
  }),
  'delete.records.purgatory.purge.interval.requests': int({
    default: 1,
    status: withoutEffect(NO_PURGATORY),
    about: 'After how many requests finished waits of DeleteRecords are cleared.',
  }),
  'fetch.purgatory.purge.interval.requests': int({
    default: 1000,
    status: withoutEffect(NO_PURGATORY),
    about: 'After how many requests finished waits of Fetch are cleared.',
  }),
  'producer.purgatory.purge.interval.requests': int({
    default: 1000,
    status: withoutEffect(NO_PURGATORY),
    about: 'After how many requests finished waits of Produce are cleared.',
  }),
  'controlled.shutdown.enable': boolean({
    default: true,
    about: 'Whether leadership moves away before the broker stops.',
  }),
  'controlled.shutdown.max.retries': int({
    default: 3,
    about: 'Attempts at moving leadership away before stopping.',
  }),
  'controlled.shutdown.retry.backoff.ms': long({
    default: 5000,
    unit: 'ms',
    about: 'Pause between these attempts.',
  }),
  'inter.broker.protocol.version': string({
    default: '3.9-IV0',
    check: KAFKA_VERSION,
    status: notSupported('only 3.9-IV0 is spoken', 'warn'),
    about:
      'Version of Kafka that brokers speak among themselves; tools read it to learn the version of a cluster.',
  }),
  'unstable.api.versions.enable': boolean({
    default: false,
    importance: 'high',
    internal: true,
    status: withoutEffect('no unstable version is served'),
    about: 'Whether versions of APIs that are still in development are served.',
  }),
  'unstable.feature.versions.enable': boolean({
    default: false,
    importance: 'high',
    internal: true,
    status: withoutEffect('no unstable feature is served'),
    about: 'Whether features that are still in development can be switched on.',
  }),
};
