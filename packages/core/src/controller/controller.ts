import { ErrorCode } from '@odradek/protocol/errors.ts';
import {
  brokersChanged,
  completePending,
  electionSettingsChanged,
  replicasBroken,
} from './broker-changes.ts';
import { allOf, inOrder, isOneOf, TaskQueue, type Ended } from './callback-flow.ts';
import { loadCluster, readBrokers, type LoadedCluster } from './cluster-load.ts';
import { ClusterState } from './cluster-state.ts';
import { electController } from './controller-election.ts';
import { ControllerTerm, type ControllerParts, type TopicPartition } from './controller-term.ts';
import { ControllerTree } from './controller-tree.ts';
import { balanceLeaders } from './leader-balance.ts';
import { electLeaders, type AskedMove, type ElectionOutcome, type ElectionType } from './leader-changes.ts';
import {
  alterPartitions,
  relieve,
  type AskingBroker,
  type PartitionProposal,
  type ProposalOutcome,
} from './leader-requests.ts';
import { legacyRequestsAppeared, reassignByRequest } from './legacy-requests.ts';
import { inSyncChangesAppeared } from './in-sync-changes.ts';
import { logDirEventsAppeared } from './log-dir-events.ts';
import { statesAtStartOfTerm } from './start-of-term.ts';
import { beginDeletion, createTopics, deleteTopics, growTopics, type TopicOutcome } from './topic-changes.ts';
import { topicNodeChanged, topicsAppeared } from './topic-discovery.ts';
import type { TopicCreation, TopicFault, TopicGrowth } from './topic-request.ts';
import { treePaths } from './tree-paths.ts';
import { ANY_VERSION } from '../ports/coordination.ts';

const UNREADABLE = 'a topic is left out and left as it is, since its nodes cannot be read';
/** Pause before the tree is tried again after a failure. */
const RETRY_MS = 1_000;

/**
 * One of the brokers decides about topics and leaders: this is what makes a broker that one, and what it does then.
 * All it decides is in the tree before anybody is told of it, and one thing is done at a time. What a crash cuts off
 * is finished when the next term starts, on whichever broker.
 */
export class Controller {
  private readonly parts: ControllerParts;
  private readonly tasks = new TaskQueue();
  private term: ControllerTerm | null = null;
  private isOver = false;

  constructor(parts: ControllerParts) {
    this.parts = parts;
    parts.coordination.onSession((state) => {
      if (state !== 'expired') return;
      this.isOver = true;
      this.resign('the session with the coordination tree is over');
    });
  }

  get isActive(): boolean {
    return this.term !== null;
  }

  /**
   * Runs for controller, now and whenever there is none. Whoever wins reads the cluster, finishes what an earlier term
   * left open, elects leaders and tells all brokers of their partitions. Ended when there is a controller.
   */
  start(done: Ended): void {
    this.tasks.run((next) => {
      this.settle((error) => {
        next();
        done(error);
      });
    });
  }

  /** Creates topics, or only says what would come of it. One outcome per topic, by its name. */
  createTopics(
    creations: readonly TopicCreation[],
    validateOnly: boolean,
    done: (outcomes: Map<string, TopicOutcome>) => void,
  ): void {
    this.run(
      (term, ended) => createTopics(term, creations, validateOnly, ended),
      (fault) => new Map(creations.map(({ name }) => [name, fault])),
      done,
    );
  }

  /** Adds partitions to topics, or only says what would come of it. Null: done. */
  growTopics(
    growths: readonly TopicGrowth[],
    validateOnly: boolean,
    done: (outcomes: Map<string, TopicFault | null>) => void,
  ): void {
    this.run(
      (term, ended) => growTopics(term, growths, validateOnly, ended),
      (fault) => new Map(growths.map(({ name }) => [name, fault])),
      done,
    );
  }

  /** Deletes topics with their records. Null: nobody finds the topic any more. */
  deleteTopics(names: readonly string[], done: (outcomes: Map<string, TopicFault | null>) => void): void {
    this.run(
      (term, ended) => deleteTopics(term, names, ended),
      (fault) => new Map(names.map((name) => [name, fault])),
      done,
    );
  }

  /** Elects leaders on demand; one outcome per partition, in the order asked for. */
  electLeaders(
    type: ElectionType,
    partitions: readonly TopicPartition[],
    done: (outcomes: ElectionOutcome[]) => void,
  ): void {
    this.run(
      (term, ended) => electLeaders(term, type, partitions, ended),
      (fault) => partitions.map(({ topic, partition }) => ({ topic, partition, fault })),
      done,
    );
  }

  /** Moves partitions, or calls that off. In the order asked for; null: begun, done, or nothing to do. */
  reassign(moves: readonly AskedMove[], done: (faults: (TopicFault | null)[]) => void): void {
    this.run(
      (term, ended) => reassignByRequest(term, moves, ended),
      (fault) => moves.map(() => fault),
      done,
    );
  }

  /** A leader wants other in-sync sets. @param done gets an error code for all, or one outcome for each */
  alterPartitions(
    broker: AskingBroker,
    proposals: readonly PartitionProposal[],
    done: (errorCode: number, outcomes: readonly ProposalOutcome[]) => void,
  ): void {
    this.run<[number, readonly ProposalOutcome[]]>(
      (term, ended) => alterPartitions(term, broker, proposals, (...outcome) => ended(outcome)),
      ({ errorCode }) => [errorCode, []],
      (outcome) => done(...outcome),
    );
  }

  /** A broker is about to stop. @param done gets an error code, or the partitions that nobody else can lead */
  relieve(
    broker: AskingBroker,
    done: (errorCode: number, remaining: readonly TopicPartition[]) => void,
  ): void {
    this.run<[number, readonly TopicPartition[]]>(
      (term, ended) => relieve(term, broker, (...outcome) => ended(outcome)),
      ({ errorCode }) => [errorCode, []],
      (outcome) => done(...outcome),
    );
  }

  /**
   * The setting is in force that lets replicas lead that may lack records: where nobody leads, one of them may be
   * allowed to now. Does nothing in a broker that is not the controller.
   *
   * @param topic whose setting has changed; null: that of all topics
   */
  electionSettingsChanged(topic: string | null): void {
    if (this.term === null) return;
    const { term } = this;
    this.within(term, (ended) => electionSettingsChanged(term, topic, ended));
  }

  /** One task at a time, and only while this broker is the controller. */
  private run<Outcome>(
    task: (term: ControllerTerm, ended: (outcome: Outcome) => void) => void,
    refused: (fault: TopicFault) => Outcome,
    done: (outcome: Outcome) => void,
  ): void {
    this.tasks.run((next) => {
      const ended = (outcome: Outcome) => {
        next();
        done(outcome);
      };
      if (this.term !== null) return task(this.term, ended);
      const errorMessage = 'This broker is not the controller.';
      ended(refused({ errorCode: ErrorCode.NOT_CONTROLLER, errorMessage }));
    });
  }

  /** Looks who is the controller, and runs if there is none. Watches before it looks, so that no change is missed. */
  private settle(done: Ended): void {
    const { coordination } = this.parts;
    if (this.isOver) return done(null);
    coordination.stat(treePaths.controller, this.controllerChanged, (error, stat) => {
      if (error !== null) return done(error);
      const isOurs = stat !== null && stat.ephemeralOwner === coordination.sessionId;
      if (isOurs && this.term !== null) return done(null);
      // Ours without a term: it could not be begun, or not be ended in order.
      if (isOurs) return this.leaveOffice(() => this.elect(done));
      this.resign(stat === null ? 'the controller node is gone' : 'another broker is the controller');
      this.elect(done);
    });
  }

  private readonly controllerChanged = (): void => {
    if (this.isOver) return;
    this.tasks.run((next) => {
      this.settle((error) => {
        next();
        if (error !== null) this.settleLater(error);
      });
    });
  };

  private settleLater(error: Error): void {
    if (this.isOver || isSessionOver(error)) return;
    this.parts.log.error('there is no controller that could be settled on, trying again', { error });
    this.parts.timers.after(RETRY_MS, this.controllerChanged);
  }

  /** What is known does not match the tree: a new term reads everything anew. */
  private startOver(term: ControllerTerm, error: Error): void {
    if (this.term !== term || isSessionOver(error)) return;
    this.parts.log.warn('the coordination tree may differ from what is known, reading it anew', { error });
    this.resign('the coordination tree may differ from what is known');
    this.leaveOffice(() => {
      if (!this.isOver) this.parts.timers.after(RETRY_MS, this.controllerChanged);
    });
  }

  /** Another broker, or this one, may be elected. */
  private leaveOffice(done: () => void): void {
    const operation = { type: 'delete', path: treePaths.controller, version: ANY_VERSION } as const;
    this.parts.coordination.write([operation], done);
  }

  private elect(done: Ended): void {
    const { coordination, nodeId, clock, state, log } = this.parts;
    electController(coordination, nodeId, clock.now(), (error, outcome) => {
      if (error !== null) return done(error);
      if (this.isOver) return done(null);
      if (outcome!.won === null) {
        state.controllerId = outcome!.controllerId;
        log.info('another broker is the controller', { controllerId: outcome!.controllerId });
        return done(null);
      }
      const { epoch, epochVersion } = outcome!.won;
      this.begin(epoch, new ControllerTree(coordination, epochVersion), (failure) => {
        if (failure === null) return done(null);
        this.resign('the term could not be begun');
        // Another broker may be able to.
        this.leaveOffice(() => done(failure));
      });
    });
  }

  private begin(epoch: number, tree: ControllerTree, done: Ended): void {
    const { nodeId, state, channels } = this.parts;
    channels.outrank(epoch);
    const term = new ControllerTerm(this.parts, epoch, tree, {
      fenced: () => this.resign('another controller has been elected'),
      doubtful: (error) => this.startOver(term, error),
      broken: (replicas) => this.within(term, (ended) => replicasBroken(term, replicas, ended)),
      topicNodeChanged: (topic) => this.within(term, (ended) => topicNodeChanged(term, topic, ended)),
    });
    const fresh = new ClusterState();
    this.watchAll(term, (error) => {
      if (error !== null) return done(error);
      loadCluster(term.source, fresh, (failure, loaded) => {
        if (failure !== null) return done(failure);
        // The last answers of a session that is over by now.
        if (this.isOver) return done(null);
        state.replaceWith(fresh);
        state.controllerId = nodeId;
        this.term = term;
        beginTerm(term, loaded, done);
        this.balanceLater(term);
      });
    });
  }

  /** Sets the watches of a term; what they tell is looked at after the term has begun. */
  private watchAll(term: ControllerTerm, done: Ended): void {
    const { coordination } = this.parts;
    const watches: [string, (names: readonly string[], next: Ended) => void][] = [
      [
        treePaths.brokerIds,
        (names, next) =>
          readBrokers(coordination, term.parts.log, names, (error, brokers) =>
            error === null ? brokersChanged(term, brokers, next) : next(error),
          ),
      ],
      [treePaths.topics, (names, next) => topicsAppeared(term, names, next)],
      [treePaths.deleteTopics, (names, next) => deletionsAppeared(term, names, next)],
      [treePaths.admin, (_names, next) => legacyRequestsAppeared(term, next)],
      [treePaths.logDirEvents, (names, next) => logDirEventsAppeared(term, names, next)],
      [treePaths.inSyncChanges, (names, next) => inSyncChangesAppeared(term, names, next)],
    ];
    allOf(watches, ([path, act], next) => this.watch(term, path, act, next), done);
  }

  private watch(
    term: ControllerTerm,
    path: string,
    act: (names: readonly string[], next: Ended) => void,
    done: Ended,
  ): void {
    const { coordination } = this.parts;
    const changed = () =>
      this.within(term, (ended) =>
        coordination.children(path, changed, (error, names) =>
          error === null ? act(names, ended) : ended(error),
        ),
      );
    coordination.children(path, changed, (...[error]) => done(error));
  }

  private balanceLater(term: ControllerTerm): void {
    this.parts.timers.after(this.parts.balance().intervalMs, () => {
      if (this.term !== term) return;
      this.balanceLater(term);
      const { isEnabled, toleratedPercent } = this.parts.balance();
      if (isEnabled) this.within(term, (ended) => balanceLeaders(term, toleratedPercent, ended));
    });
  }

  /** Does what an event asks for, unless the term is over by then. */
  private within(term: ControllerTerm, act: (ended: Ended) => void): void {
    this.tasks.run((next) => {
      if (this.term !== term) return next();
      act((error) => {
        next();
        if (error !== null) term.noteFailure(error);
      });
    });
  }

  private resign(reason: string): void {
    if (this.term === null) return;
    this.parts.log.info('ceased to be the controller', { reason, epoch: this.term.epoch });
    this.term = null;
    this.parts.channels.closeAll();
    this.parts.state.controllerId = -1;
  }
}

function isSessionOver(error: Error): boolean {
  return 'code' in error && isOneOf(error as never, 'SESSIONEXPIRED');
}

function deletionsAppeared(term: ControllerTerm, names: readonly string[], done: Ended): void {
  const fresh = names.filter((name) => !term.deletions.has(name));
  allOf(fresh, (name, next) => beginDeletion(term, name, next), done);
}

function beginTerm(term: ControllerTerm, loaded: LoadedCluster, done: Ended): void {
  const { state, channels, log } = term.parts;
  for (const broker of state.brokers.values()) channels.open(broker);
  for (const [topic, error] of loaded.unreadable) log.error(UNREADABLE, { topic, error });
  inOrder(
    [
      (next) => writeMissingIds(term, loaded, next),
      (next) => writeFirstStates(term, loaded, next),
      (next) => {
        term.announcements.brokers();
        term.announcements.everythingTo([...state.brokers.keys()]);
        log.info('became the controller', {
          epoch: term.epoch,
          brokers: state.brokers.size,
          topics: state.topicCount,
          deletionsToFinish: loaded.deletions.size,
        });
        allOf([...loaded.deletions], (topic, ended) => beginDeletion(term, topic, ended), next);
      },
      (next) => completePending(term, next),
      (next) => legacyRequestsAppeared(term, next),
    ],
    done,
  );
}

function writeMissingIds(term: ControllerTerm, loaded: LoadedCluster, done: Ended): void {
  allOf(
    [...loaded.withoutId],
    (name, next) => term.rewriteTopic(term.parts.state.topic(name)!, new Map(), [], next),
    done,
  );
}

function writeFirstStates(term: ControllerTerm, loaded: LoadedCluster, done: Ended): void {
  const { state, settings } = term.parts;
  const allowsUnclean = (topic: string) => settings.allowsUncleanElection(topic);
  const writes = statesAtStartOfTerm(state, loaded, term.epoch, allowsUnclean);
  term.tree.writeStates(writes, (error, written) => {
    term.takeStates(written);
    done(error);
  });
}
