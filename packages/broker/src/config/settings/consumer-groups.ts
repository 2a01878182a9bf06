import { atLeast, oneOfIgnoringCase } from '../setting-check.ts';
import { int, list, string, withoutEffect } from '../setting.ts';
import { INT_MAX } from './limits.ts';
import { NO_CONSUMER_GROUPS } from './reasons.ts';

/** Consumer groups of the protocol of KIP-848. */
export const consumerGroupsSettings = {
  'group.consumer.session.timeout.ms': int({
    default: 45000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Session timeout of members.',
  }),
  'group.consumer.min.session.timeout.ms': int({
    default: 45000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Shortest session timeout that a group may set.',
  }),
  'group.consumer.max.session.timeout.ms': int({
    default: 60000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Longest session timeout that a group may set.',
  }),
  'group.consumer.heartbeat.interval.ms': int({
    default: 5000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Time between heartbeats that members are told.',
  }),
  'group.consumer.min.heartbeat.interval.ms': int({
    default: 5000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Shortest heartbeat interval that a group may set.',
  }),
  'group.consumer.max.heartbeat.interval.ms': int({
    default: 15000,
    check: atLeast(1),
    unit: 'ms',
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Longest heartbeat interval that a group may set.',
  }),
  'group.consumer.max.size': int({
    default: INT_MAX,
    check: atLeast(1),
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Most members of a group.',
  }),
  'group.consumer.assignors': list({
    default: [
      'org.apache.kafka.coordinator.group.assignor.UniformAssignor',
      'org.apache.kafka.coordinator.group.assignor.RangeAssignor',
    ],
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Assignors of the broker, the first being the default.',
  }),
  'group.consumer.migration.policy': string({
    default: 'disabled',
    check: oneOfIgnoringCase('DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'),
    internal: true,
    status: withoutEffect(NO_CONSUMER_GROUPS),
    about: 'Whether groups may move between the classic and the new protocol.',
  }),
};
