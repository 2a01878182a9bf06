import { FetchIntake } from '@odradek/client/consumer/fetch/fetch-intake.ts';
import type { FetchPartition } from '@odradek/client/consumer/fetch/fetch-partition.ts';
import { ClassicGroup } from '@odradek/core/group/classic-group.ts';
import { LogManager } from '@odradek/core/log/log-manager.ts';
import { PartitionLog } from '@odradek/core/log/partition-log.ts';
import { ProducerStates } from '@odradek/core/log/producer-states.ts';
import { LeaderRole } from '@odradek/core/replication/leader-role.ts';
import { Partition } from '@odradek/core/replication/partition.ts';
import { ReplicaManager } from '@odradek/core/replication/replica-manager.ts';
import type { ProblemName } from '../checkers/problem.ts';
import { SimulatedSession } from '../coordination/simulated-session.ts';
import { allOverridden, overridden, type Switch } from './overridden.ts';

/*
 * Bugs that systems of this kind had, to be switched on for a run: a simulator that does not find them proves
 * nothing. Production code knows nothing of them: a method of the running program is replaced, and put back.
 */

export interface KnownBug {
  /** What is wrong then. */
  readonly description: string;
  /** What must be told of it. */
  readonly shows: readonly ProblemName[];
  /** Within so many seeds, from 1 on, the simulator must have told all of that. */
  readonly foundWithin: number;
  /** Switches it on. @returns switches it off */
  install(): Switch;
}

/** How much later than its answer a group's write is appended, milliseconds. */
const LATE_MS = 200;

export const KNOWN_BUGS = {
  'no-epoch-check-on-truncation': {
    description: 'a leader never tells a follower that their histories part',
    shows: ['committed-differs', 'replicas-differ'],
    foundWithin: 20,
    install: () => overridden(Partition.prototype, 'divergingEpoch', () => () => null),
  },
  'high-watermark-from-log-end': {
    description: 'a leader takes for committed whatever it has',
    shows: ['committed-lost', 'end-offset-back'],
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
  'high-watermark-from-slowest': {
    description:
      'a leader takes for committed what the slowest of its replicas has, though it had more before',
    shows: ['high-watermark-back'],
    foundWithin: 20,
    install: () =>
      overridden(
        privately(Partition.prototype),
        'advanceHighWatermark',
        () =>
          function (this: Private) {
            const { followers, log } = this as unknown as Partition;
            const before = log.highWatermark;
            const ends = [...followers.values()].map(({ logEndOffset }) => logEndOffset);
            return log.updateHighWatermark(Math.min(log.logEndOffset, ...ends)) > before;
          },
      ),
  },
  'acknowledged-before-in-sync': {
    description: 'acks=all is answered before the in-sync replicas have the records',
    shows: ['lost-write', 'inconsistent-offsets', 'nonmonotonic-send'],
    foundWithin: 20,
    install: () => overridden(Partition.prototype, 'appendOutcome', () => () => 0),
  },
  'former-leader-goes-on': {
    description: 'a leader that is told to follow another takes the new epoch for its own',
    shows: ['two-leaders'],
    foundWithin: 10,
    install: () =>
      overridden(
        Partition.prototype,
        'becomeFollower',
        (original) =>
          function (this: Partition, change) {
            if (this.isLeader) this.becomeLeader(change);
            else original.call(this, change);
          },
      ),
  },
  'offset-left-free': {
    description: 'a new leader leaves an offset free between its records and those before',
    shows: ['offsets-not-dense'],
    foundWithin: 10,
    install: () =>
      overridden(
        PartitionLog.prototype,
        'assignLeaderEpoch',
        (original) =>
          function (this: PartitionLog, epoch) {
            if (this.logEndOffset > 0) this.skipTo(this.logEndOffset + 1);
            original.call(this, epoch);
          },
      ),
  },
  'sequences-not-checked': {
    description: 'a leader appends what idempotent producers send whatever its sequence number',
    shows: ['sequence-gap', 'duplicate'],
    foundWithin: 20,
    install: () =>
      allOverridden(
        overridden(ProducerStates.prototype, 'duplicateOf', () => () => null),
        overridden(
          ProducerStates.prototype,
          'stageBatch',
          (original) =>
            function (this: ProducerStates, update, batch, origin) {
              // Of the coordinator's own batches sequence numbers are not looked at.
              original.call(this, update, batch, origin === 'client' ? 'coordinator' : origin);
            },
        ),
      ),
  },
  'log-outlives-its-topic': {
    description: 'logs of topics that are deleted stay, and are those of the next topics of their names',
    shows: ['resurrected'],
    foundWithin: 20,
    install: () =>
      allOverridden(
        overridden(LogManager.prototype, 'delete', () => () => {}),
        overridden(privately(LogManager.prototype), 'putAsideOther', () => () => {}),
        anyTopicIdWillDo(),
      ),
  },
  'ephemeral-node-assumed-alive': {
    description: 'a broker takes the registration that its former life left for its own',
    shows: ['not-converged'],
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
    shows: ['committed-offset-lost'],
    foundWithin: 40,
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
  'generation-stays': {
    description: 'a group that rebalances does not count its generations',
    shows: ['two-owners'],
    foundWithin: 5,
    install: () =>
      overridden(
        ClassicGroup.prototype,
        'startNextGeneration',
        (original) =>
          function (this: ClassicGroup, nowWallMs) {
            const before = this.generationId;
            original.call(this, nowWallMs);
            if (before > 0) this.generationId = before;
          },
      ),
  },
  'consumer-goes-on-at-end': {
    description: 'a consumer whose fetch is refused goes on where the partition ends by then',
    shows: ['poll-skip'],
    foundWithin: 10,
    install: () => afterRefusedFetch('latest'),
  },
  'consumer-begins-anew': {
    description: 'a consumer whose fetch is refused begins at the start of the partition again',
    shows: ['nonmonotonic-poll'],
    foundWithin: 10,
    install: () => afterRefusedFetch('earliest'),
  },
} satisfies Record<string, KnownBug>;

export type BugName = keyof typeof KNOWN_BUGS;

export function knownBug(name: BugName): KnownBug {
  return KNOWN_BUGS[name];
}

/** A log takes whatever topic id it is told. */
export function anyTopicIdWillDo(): Switch {
  return overridden(
    PartitionLog.prototype,
    'assignTopicId',
    () =>
      function (this: PartitionLog, topicId) {
        this['topicIdFile'].assign(topicId);
      },
  );
}

function afterRefusedFetch(place: 'earliest' | 'latest'): Switch {
  return overridden(
    privately(FetchIntake.prototype),
    'takeError',
    (original) =>
      function (this: Private, state, code, nodeId) {
        original.call(this, state, code, nodeId);
        state.moveTo(place);
      },
  );
}

/** Methods that nobody else may call. */
interface Private {
  advanceHighWatermark(): boolean;
  putAsideOther(topic: string, partition: number, topicId: string, isNew: boolean): void;
  takeError(state: FetchPartition, code: number, nodeId: number): void;
}

function privately(prototype: object): Private {
  return prototype as Private;
}
