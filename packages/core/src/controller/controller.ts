import { ErrorCode } from '@odradek/protocol/errors.ts';
import { allOf, inOrder, TaskQueue, type Ended } from './callback-flow.ts';
import { loadCluster, type LoadedCluster } from './cluster-load.ts';
import { electController } from './controller-election.ts';
import { ControllerTerm, type ControllerParts, type TopicPartition } from './controller-term.ts';
import { ControllerTree } from './controller-tree.ts';
import { electLeaders, reassign, type ElectionOutcome, type ElectionType } from './leader-changes.ts';
import { statesAtStartOfTerm } from './start-of-term.ts';
import {
  createTopics,
  deleteTopics,
  finishDeletion,
  growTopics,
  type TopicOutcome,
} from './topic-changes.ts';
import type { TopicCreation, TopicFault, TopicGrowth } from './topic-request.ts';

/**
 * The one broker that decides about topics and leaders. All it decides is in the tree before anybody is told of it,
 * and one thing is done at a time. What a crash cuts off is finished when the next term starts.
 */
export class Controller {
  private readonly parts: ControllerParts;
  private readonly tasks = new TaskQueue();
  private term: ControllerTerm | null = null;

  constructor(parts: ControllerParts) {
    this.parts = parts;
    parts.coordination.onSession((state) => {
      if (state === 'expired') this.resign('the session with the coordination tree is over');
    });
  }

  get isActive(): boolean {
    return this.term !== null;
  }

  /**
   * Runs for controller, reads the cluster, finishes what an earlier term left open, elects leaders and tells the
   * broker of its partitions. Fails when another broker is the controller.
   */
  start(done: Ended): void {
    const { coordination, nodeId, clock, state } = this.parts;
    electController(coordination, nodeId, clock.now(), (error, outcome) => {
      if (error !== null) return done(error);
      if (outcome!.won === null)
        return done(new Error(`broker ${outcome!.controllerId} is the controller of this coordination tree`));
      const { epoch, epochVersion } = outcome!.won;
      const fenced = () => this.resign('another controller has been elected');
      const term = new ControllerTerm(
        this.parts,
        epoch,
        new ControllerTree(coordination, epochVersion),
        fenced,
      );
      loadCluster(
        coordination,
        state,
        () => term.newUuid(),
        (failure, loaded) => {
          if (failure !== null) return done(failure);
          this.term = term;
          state.controllerId = nodeId;
          beginTerm(term, loaded, done);
        },
      );
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

  /** Deletes topics with their records. Null: done. */
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

  /** Moves a partition, or calls that off when `target` is null. Null: done, or nothing to do. */
  reassign(
    partition: TopicPartition,
    target: readonly number[] | null,
    done: (fault: TopicFault | null) => void,
  ): void {
    this.run(
      (term, ended) => reassign(term, partition, target, ended),
      (fault) => fault,
      done,
    );
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

  private resign(reason: string): void {
    if (this.term === null) return;
    this.parts.log.info('ceased to be the controller', { reason, epoch: this.term.epoch });
    this.term = null;
    this.parts.state.controllerId = -1;
  }
}

function beginTerm(term: ControllerTerm, loaded: LoadedCluster, done: Ended): void {
  inOrder(
    [
      (next) => writeMissingIds(term, loaded, next),
      (next) => writeFirstStates(term, loaded, next),
      (next) => {
        announceAll(term, loaded);
        allOf([...loaded.deletions], (topic, ended) => finishDeletion(term, topic, ended), next);
      },
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

/** Also of topics that are to be deleted: the broker must know what it deletes. */
function announceAll(term: ControllerTerm, loaded: LoadedCluster): void {
  const { state, log } = term.parts;
  const changes = Array.from(state.topics()).flatMap(({ name, partitions }) =>
    partitions.map(({ index }) => term.leadershipOf(name, index, false)),
  );
  term.announce(changes);
  log.info('became the controller', {
    epoch: term.epoch,
    topics: state.topicCount,
    partitions: changes.length,
    deletionsToFinish: loaded.deletions.size,
  });
}
