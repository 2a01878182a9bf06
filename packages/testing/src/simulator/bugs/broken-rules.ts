import { GroupRuntime } from '@odradek/broker/groups/group-runtime.ts';
import { Controller } from '@odradek/core/controller/controller.ts';
import { ControllerTree } from '@odradek/core/controller/controller-tree.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { LeaderRole } from '@odradek/core/replication/leader-role.ts';
import { Partition } from '@odradek/core/replication/partition.ts';
import type { ProblemName } from '../checkers/problem.ts';
import { SimulatedSession } from '../coordination/simulated-session.ts';
import { anyTopicIdWillDo, KNOWN_BUGS } from './known-bugs.ts';
import { overridden, type Switch } from './overridden.ts';

/*
 * For a row of the catalogue the rule that prevents it, broken: the row's scenario must be seen to fail then, with one
 * of its seeds. Only methods of classes can be replaced: rows whose rule is a function are not here.
 */

export interface BrokenRule {
  /** As the scenario has it. */
  readonly row: string;
  readonly description: string;
  /** What must be told then, with one of the seeds. */
  readonly shows: readonly ProblemName[];
  /** Breaks it. @returns mends it */
  install(): Switch;
}

/** How much later than it should something is done, milliseconds. */
const LATE_MS = 500;

const { install: forgetDivergence } = KNOWN_BUGS['no-epoch-check-on-truncation'];

export const BROKEN_RULES: readonly BrokenRule[] = [
  {
    row: 'F01',
    description: 'who follows another leader cuts its log to its own high watermark',
    shows: ['committed-lost'],
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
  {
    row: 'F02',
    description: 'nobody asks where histories part',
    shows: ['committed-differs'],
    install: forgetDivergence,
  },
  {
    row: 'F03',
    description: 'nobody asks where histories part',
    shows: ['replicas-differ'],
    install: forgetDivergence,
  },
  {
    row: 'F06',
    description: 'nobody asks where histories part',
    shows: ['replicas-differ'],
    install: forgetDivergence,
  },
  {
    row: 'F09, F10',
    description: 'nobody asks where histories part',
    shows: ['replicas-differ'],
    install: forgetDivergence,
  },
  {
    row: 'F05',
    description: 'a follower may join the in-sync set below the start of the epoch',
    shows: ['committed-lost'],
    install: () =>
      overridden(
        LeaderRole.prototype,
        'followerFetched',
        (original) =>
          function (this: LeaderRole, ...fetch) {
            // As if the epoch had begun where the high watermark is.
            Object.assign(this, { epochStartOffset: 0 });
            original.apply(this, fetch);
          },
      ),
  },
  {
    row: 'F24',
    description: 'acks=all is answered by a leader alone',
    shows: ['unseen'],
    install: KNOWN_BUGS['acknowledged-before-in-sync'].install,
  },
  {
    row: 'F25',
    description: 'the high watermark waits only for those who stay',
    shows: ['acknowledged-too-early'],
    install: () =>
      overridden(
        LeaderRole.prototype,
        'commitableOffset',
        (original) =>
          function (this: LeaderRole, minInsyncReplicas) {
            const { pending } = this['inSync'];
            const isAlone = pending?.kind === 'shrink' && pending.leaving.length === this.isr.length - 1;
            return isAlone ? this['log'].logEndOffset : original.call(this, minInsyncReplicas);
          },
      ),
  },
  {
    row: 'F35',
    description: 'a broker that was gone for a moment counts as never gone',
    shows: ['not-converged'],
    install: forgetLives,
  },
  {
    row: 'F39',
    description: 'who has all that the leader has may be behind',
    shows: ['in-sync-set-changed'],
    // Private, and the broken rule is just that.
    install: () => overridden(privately(LeaderRole.prototype), 'isCaughtUp', () => () => false),
  },
  {
    row: 'F43',
    description: 'a broker that was gone for a moment counts as never gone',
    shows: ['not-converged'],
    install: forgetLives,
  },
  {
    row: 'F46',
    description: KNOWN_BUGS['ephemeral-node-assumed-alive'].description,
    shows: ['not-converged'],
    install: KNOWN_BUGS['ephemeral-node-assumed-alive'].install,
  },
  {
    row: 'F54',
    description: 'children are read first, and watched later',
    shows: ['not-converged'],
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
    shows: ['not-converged'],
    install: () => overridden(ControllerTree.prototype, 'unmark', () => (_topic, done) => done(null)),
  },
  {
    row: 'F65',
    description: 'a log takes whatever topic id it is told',
    shows: ['committed-differs'],
    install: anyTopicIdWillDo,
  },
  {
    row: 'F71',
    description: 'the controller is not told that an unclean election is allowed',
    shows: ['not-converged'],
    install: () => overridden(Controller.prototype, 'electionSettingsChanged', () => () => {}),
  },
  {
    row: 'F81',
    description: 'a coordinator resigns late, whoever leads by then',
    shows: ['committed-offset-lost'],
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
    shows: ['committed-offset-lost'],
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
function forgetLives(): Switch {
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
