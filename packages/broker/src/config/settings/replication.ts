import { atLeast } from '../setting-check.ts';
import { boolean, int, long, string, withoutEffect } from '../setting.ts';
import { KRAFT, NODE_SOCKETS } from './reasons.ts';

/** The selectors that there are: Kafka's own. Others would be classes for the Java machine. */
export const RACK_AWARE_SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';
export const REPLICA_SELECTORS = [RACK_AWARE_SELECTOR, 'org.apache.kafka.common.replica.LeaderSelector'];

/** Leaders, followers and the controller's work. */
export const replicationSettings = {
  'unclean.leader.election.enable': boolean({
    default: false,
    importance: 'high',
    update: 'cluster-wide',
    about: 'Whether a replica that is not in sync may become leader, losing records.',
  }),
  'unclean.leader.election.interval.ms': long({
    default: 300_000,
    check: atLeast(1),
    unit: 'ms',
    internal: true,
    status: withoutEffect(KRAFT),
    about: 'How often partitions that need an unclean election are looked for.',
  }),
  'auto.leader.rebalance.enable': boolean({
    default: true,
    importance: 'high',
    about: 'Whether leadership returns to preferred replicas by itself.',
  }),
  'leader.imbalance.per.broker.percentage': int({
    default: 10,
    importance: 'high',
    about: 'Share of partitions away from their preferred leader from which leadership moves.',
  }),
  'leader.imbalance.check.interval.seconds': long({
    default: 300,
    check: atLeast(1),
    unit: 'seconds',
    importance: 'high',
    about: 'How often that share is looked at.',
  }),
  'controller.socket.timeout.ms': int({
    default: 30000,
    unit: 'ms',
    about: "Time limit for the controller's requests to brokers.",
  }),
  'num.replica.fetchers': int({
    default: 1,
    importance: 'high',
    update: 'cluster-wide',
    about: 'Connections per leader that a follower fetches by.',
  }),
  'replica.lag.time.max.ms': long({
    default: 30000,
    unit: 'ms',
    importance: 'high',
    about: 'A follower that has not caught up for so long leaves the in-sync set.',
  }),
  'replica.socket.timeout.ms': int({
    default: 30000,
    unit: 'ms',
    importance: 'high',
    about: "Time limit for a follower's requests.",
  }),
  'replica.socket.receive.buffer.bytes': int({
    default: 65536,
    unit: 'bytes',
    importance: 'high',
    status: withoutEffect(NODE_SOCKETS),
    about: "Receive buffer of a follower's socket.",
  }),
  'replica.fetch.max.bytes': int({
    default: 1_048_576,
    check: atLeast(0),
    unit: 'bytes',
    about: 'Bytes per partition that a follower asks for.',
  }),
  'replica.fetch.wait.max.ms': int({
    default: 500,
    unit: 'ms',
    importance: 'high',
    about: "How long a follower's fetch may wait for records.",
  }),
  'replica.fetch.min.bytes': int({
    default: 1,
    unit: 'bytes',
    importance: 'high',
    about: "Bytes that a follower's fetch waits for.",
  }),
  'replica.fetch.response.max.bytes': int({
    default: 10_485_760,
    check: atLeast(0),
    unit: 'bytes',
    about: 'Bytes that a follower asks for in all.',
  }),
  'replica.fetch.backoff.ms': int({
    default: 1000,
    check: atLeast(0),
    unit: 'ms',
    about: 'Pause of a follower after a failed fetch.',
  }),
  'replica.high.watermark.checkpoint.interval.ms': long({
    default: 5000,
    unit: 'ms',
    importance: 'high',
    about: 'How often the high watermark of each partition is noted.',
  }),
  'replica.selector.class': string({
    default: null,
    about: 'What chooses the replica that a consumer reads from; the leader where not set.',
  }),
  'eligible.leader.replicas.enable': boolean({
    default: false,
    importance: 'high',
    status: withoutEffect(KRAFT),
    about: 'Whether replicas that are known to be complete are remembered as possible leaders.',
  }),
};
