import { ReplicaManager } from '@odradek/core/replication/replica-manager.ts';
import { LeaderRole } from '@odradek/core/replication/leader-role.ts';
import { Partition } from '@odradek/core/replication/partition.ts';
import { SimulatedSession } from '../coordination/simulated-session.ts';
import { overridden } from './overridden.ts';

/*
 * Bugs that systems of this kind had, to be switched on for a run: a simulator that does not find them proves
 * nothing. Production code knows nothing of them: a method of the running program is replaced, and put back.
 */

export interface KnownBug {
  /** What is wrong then. */
  readonly description: string;
  /** Within so many seeds, from 1 on, the simulator must find it. */
  readonly foundWithin: number;
  /** Switches it on. @returns switches it off */
  install(): () => void;
}

/** How much later than its answer a group's write is appended, milliseconds. */
const LATE_MS = 200;

export const KNOWN_BUGS = {
  'no-epoch-check-on-truncation': {
    description: 'a leader never tells a follower that their histories part',
    foundWithin: 20,
    install: () => overridden(Partition.prototype, 'divergingEpoch', () => () => null),
  },
  'high-watermark-from-log-end': {
    description: 'a leader takes for committed whatever it has',
    foundWithin: 10,
    install: () =>
      overridden(
        LeaderRole.prototype,
        'commitableOffset',
        () =>
          function (this: LeaderRole) {
            return this['log'].logEndOffset;
          },
      ),
  },
  'acknowledged-before-in-sync': {
    description: 'acks=all is answered before the in-sync replicas have the records',
    foundWithin: 20,
    install: () => overridden(Partition.prototype, 'appendOutcome', () => () => 0),
  },
  'ephemeral-node-assumed-alive': {
    description: 'a broker takes the registration that its former life left for its own',
    foundWithin: 10,
    install: () =>
      overridden(
        SimulatedSession.prototype,
        'stat',
        (original) =>
          function (this: SimulatedSession, path, watch, done) {
            original.call(this, path, watch, (error, stat) => {
              if (error !== null) return done(error, null);
              const isOwn = path.startsWith('/brokers/ids/') && stat !== null;
              done(null, isOwn ? { ...stat, ephemeralOwner: this.sessionId } : stat);
            });
          },
      ),
  },
  'offsets-committed-before-append': {
    description: 'a group coordinator answers a commit before the record of it is in the log',
    foundWithin: 20,
    install: () =>
      overridden(
        ReplicaManager.prototype,
        'append',
        (original) =>
          function (this: ReplicaManager, topic, partition, records, options, done) {
            if (options.origin !== 'coordinator')
              return original.call(this, topic, partition, records, options, done);
            const copy = Buffer.from(records);
            done({ errorCode: 0, info: null, error: null });
            this['parts'].timers.after(LATE_MS, () =>
              original.call(this, topic, partition, copy, options, () => {}),
            );
          },
      ),
  },
} satisfies Record<string, KnownBug>;

export type BugName = keyof typeof KNOWN_BUGS;

export function knownBug(name: BugName): KnownBug {
  return KNOWN_BUGS[name];
}
