import { GroupRuntime } from '@odradek/broker/groups/group-runtime.ts';
import { ControllerTree } from '@odradek/core/controller/controller-tree.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { PartitionLog } from '@odradek/core/log/partition-log.ts';
import { LeaderRole } from '@odradek/core/replication/leader-role.ts';
import { Partition } from '@odradek/core/replication/partition.ts';
import { SimulatedSession } from '../coordination/simulated-session.ts';
import { KNOWN_BUGS } from './known-bugs.ts';
import { overridden } from './overridden.ts';

/*
 * For a row of the catalogue the rule that prevents it, broken: the row's scenario must be seen to fail then, with one
 * of its seeds. Only methods of classes can be replaced: rows whose rule is a function are not here.
 */

export interface BrokenRule {
  /** As the scenario has it. */
  readonly row: string;
  readonly description: string;
  /** Breaks it. @returns mends it */
  install(): () => void;
}

/** How much later than it should something is done, milliseconds. */
const LATE_MS = 500;

const { install: forgetDivergence } = KNOWN_BUGS['no-epoch-check-on-truncation'];

export const BROKEN_RULES: readonly BrokenRule[] = [
  {
    row: 'F01',
    description: 'who follows another leader cuts its log to its own high watermark',
    install: () =>
      overridden(
        Partition.prototype,
        'becomeFollower',
        (original) =>
          function (this: Partition, change) {
            original.call(this, change);
            this.log.truncateTo(this.log.highWatermark);
          },
      ),
  },
  { row: 'F02', description: 'nobody asks where histories part', install: forgetDivergence },
  { row: 'F03', description: 'nobody asks where histories part', install: forgetDivergence },
  { row: 'F06', description: 'nobody asks where histories part', install: forgetDivergence },
  { row: 'F09, F10', description: 'nobody asks where histories part', install: forgetDivergence },
  {
    row: 'F24',
    description: 'acks=all is answered by a leader alone',
    install: KNOWN_BUGS['acknowledged-before-in-sync'].install,
  },
  {
    row: 'F35',
    description: 'a broker that was gone for a moment counts as never gone',
    install: forgetLives,
  },
  {
    row: 'F39',
    description: 'who has all that the leader has may be behind',
    // Private, and the broken rule is just that.
    install: () => overridden(privately(LeaderRole.prototype), 'isCaughtUp', () => () => false),
  },
  {
    row: 'F43',
    description: 'a broker that was gone for a moment counts as never gone',
    install: forgetLives,
  },
  {
    row: 'F46',
    description: KNOWN_BUGS['ephemeral-node-assumed-alive'].description,
    install: KNOWN_BUGS['ephemeral-node-assumed-alive'].install,
  },
  {
    row: 'F54',
    description: 'children are read first, and watched later',
    install: () =>
      overridden(
        SimulatedSession.prototype,
        'children',
        (original) =>
          function (this: SimulatedSession, path, watch, done) {
            original.call(this, path, null, (...answer) => {
              done(...answer);
              this['process'].timers.after(LATE_MS, () => original.call(this, path, watch, () => {}));
            });
          },
      ),
  },
  {
    row: 'F63',
    description: 'marks of topics that do not exist stay',
    install: () => overridden(ControllerTree.prototype, 'unmark', () => (_topic, done) => done(null)),
  },
  {
    row: 'F65',
    description: 'a log takes whatever topic id it is told',
    install: () =>
      overridden(
        PartitionLog.prototype,
        'assignTopicId',
        () =>
          function (this: PartitionLog, topicId) {
            this['topicIdFile'].assign(topicId);
          },
      ),
  },
  {
    row: 'F81',
    description: 'a coordinator resigns late, whoever leads by then',
    install: () =>
      overridden(
        privately(GroupRuntime.prototype),
        'resign',
        (original) =>
          function (this: Private, index) {
            const { timers } = (this as unknown as GroupRuntime)['parts'];
            timers.after(LATE_MS, () => original.call(this, index));
          },
      ),
  },
  {
    row: 'F82',
    description: 'what waits is answered by the high watermark alone',
    install: () =>
      overridden(
        Partition.prototype,
        'commitOutcome',
        () =>
          function (this: Partition, offset) {
            return this.log.highWatermark < offset ? null : ErrorCode.NONE;
          },
      ),
  },
];

/** The controller always sees the first registration of a broker, with its first epoch. */
function forgetLives(): () => void {
  const first = new Map<string, number>();
  return overridden(
    SimulatedSession.prototype,
    'read',
    (original) =>
      function (this: SimulatedSession, path, watch, done) {
        original.call(this, path, watch, (...answer) => {
          const [error, contents] = answer;
          if (error !== null || !path.startsWith('/brokers/ids/')) return done(...answer);
          const czxid = first.get(path) ?? contents.stat.czxid;
          first.set(path, czxid);
          done(null, { ...contents, stat: { ...contents.stat, czxid } });
        });
      },
  );
}

interface Private {
  isCaughtUp(brokerId: number): boolean;
  resign(index: number): void;
}

/** The methods of a class that nobody else may call. */
function privately(prototype: object): Private {
  return prototype as Private;
}
