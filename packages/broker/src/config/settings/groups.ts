import { atLeast, eachOneOf } from '../setting-check.ts';
import { boolean, int, list, notSupported, withoutEffect } from '../setting.ts';
import { INT_MAX } from './limits.ts';
import { ONE_LOOP } from './reasons.ts';

/** Consumer groups of the classic protocol, and threads of the coordinator. */
export const groupsSettings = {
  'group.min.session.timeout.ms': int({
    default: 6000,
    unit: 'ms',
    about: 'Shortest session timeout that a member may ask for.',
  }),
  'group.max.session.timeout.ms': int({
    default: 1_800_000,
    unit: 'ms',
    about: 'Longest session timeout that a member may ask for.',
  }),
  'group.initial.rebalance.delay.ms': int({
    default: 3000,
    unit: 'ms',
    about:
      'How long the coordinator waits for more members when a group is first joined. A single broker without ZooKeeper waits 0 ms unless told otherwise, as the file that comes with Kafka says.',
  }),
  'group.max.size': int({
    default: INT_MAX,
    check: atLeast(1),
    about: 'Most members of a group.',
  }),
  'group.coordinator.new.enable': boolean({
    default: false,
    internal: true,
    status: withoutEffect('one coordinator serves all groups'),
    about: "Whether Kafka's rewritten coordinator is used.",
  }),
  'group.coordinator.rebalance.protocols': list({
    default: ['classic'],
    check: eachOneOf('consumer', 'classic', 'share', 'unknown'),
    status: notSupported('only the classic protocol is served yet', 'warn'),
    about: 'Group protocols that are served.',
  }),
  'group.coordinator.threads': int({
    default: 1,
    check: atLeast(1),
    status: withoutEffect(ONE_LOOP),
    about: 'Threads of the coordinator.',
  }),
  'group.coordinator.append.linger.ms': int({
    default: 10,
    check: atLeast(0),
    unit: 'ms',
    status: withoutEffect('records of a group are appended as they come'),
    about: 'How long records of the coordinator wait to be appended together.',
  }),
};
