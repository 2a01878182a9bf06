import type { BrokerEndpoint, BrokerRegistration } from '@odradek/core/controller/broker-registration.ts';
import {
  createRoots,
  generateBrokerId,
  obtainClusterId,
  readClusterId,
  registerBroker,
  registrationOf,
  registrationOwner,
} from '@odradek/core/controller/cluster-join.ts';
import type { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import type { Clock, Timers } from '@odradek/core/ports/clock.ts';
import {
  ANY_VERSION,
  CoordinationError,
  type Coordination,
  type WriteOperation,
} from '@odradek/core/ports/coordination.ts';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import type { Random } from '@odradek/core/ports/random.ts';
import { RejoinRefused } from '../cluster/session-renewal.ts';

export interface ClusterMembershipParts {
  readonly coordination: Coordination;
  readonly state: ClusterState;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a broker says of itself when it registers. */
export interface Member {
  readonly nodeId: number;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
}

/** How a broker waits for its own registration of a session that is over. */
export interface FormerLife {
  /** Of all the sessions that this broker has had. */
  readonly sessionIds: ReadonlySet<string>;
  /** After so long ZooKeeper should have removed the registration; then it is removed here. */
  readonly patienceMs: number;
  readonly timers: Timers;
  readonly signal: AbortSignal;
}

/** How a broker becomes a member of its cluster: first `join`, and once its listeners are bound, `register`. */
export class ClusterMembership {
  private readonly parts: ClusterMembershipParts;

  constructor(parts: ClusterMembershipParts) {
    this.parts = parts;
  }

  /**
   * Prepares the tree and learns the cluster's id.
   * @param knownClusterId as the log directories have it (meta.properties), or null; a new tree takes it over
   * @throws Error when the tree belongs to another cluster than the log directories
   */
  async join(knownClusterId: string | null): Promise<string> {
    const { coordination, random, state } = this.parts;
    await promised((done) => createRoots(coordination, done));
    const clusterId = await new Promise<string>((resolve, reject) => {
      obtainClusterId(coordination, knownClusterId, random, (error, id) =>
        error === null ? resolve(id) : reject(error),
      );
    });
    if (knownClusterId !== null && knownClusterId !== clusterId) {
      throw new Error(
        `the log directories belong to cluster ${knownClusterId}, but the coordination tree to ${clusterId}: ` +
          'one of the two was moved or replaced',
      );
    }
    state.clusterId = clusterId;
    return clusterId;
  }

  /**
   * A number for a broker that was given none, and that no other broker gets.
   * @param reservedBrokerMaxId it is greater than this
   */
  generateBrokerId(reservedBrokerMaxId: number): Promise<number> {
    return new Promise((resolve, reject) => {
      generateBrokerId(this.parts.coordination, reservedBrokerMaxId, (error, id) =>
        error === null ? resolve(id) : reject(error),
      );
    });
  }

  /**
   * Looks whether the tree is still that of this broker's cluster.
   * @throws RejoinRefused when it is not: nothing is created then
   */
  async findAgain(): Promise<void> {
    const { coordination, state } = this.parts;
    const found = await new Promise<string | null>((resolve, reject) => {
      readClusterId(coordination, (error, id) => (error === null ? resolve(id) : reject(error)));
    });
    if (found === state.clusterId) return;
    const now = found === null ? 'now has no cluster in it' : `now belongs to cluster ${found}`;
    throw new RejoinRefused(
      `the coordination tree, which belonged to cluster ${state.clusterId}, ${now}: it was emptied or replaced`,
    );
  }

  /**
   * Registers the broker until the session ends. @returns the broker epoch
   * @throws Error when another broker has this id
   */
  register({ nodeId, endpoints, rack }: Member): Promise<number> {
    const registration = registrationOf({ brokerId: nodeId, endpoints, rack }, this.parts.clock);
    return this.registerAs(registration).catch((error: CoordinationError) => {
      throw error.code === 'NODEEXISTS' ? idTaken(nodeId, error) : error;
    });
  }

  /**
   * Registers the broker in a new session. What an earlier session of its own has left is waited for until it is gone.
   * @throws RejoinRefused when another broker has taken this id
   */
  async registerAgain({ nodeId, endpoints, rack }: Member, former: FormerLife): Promise<number> {
    const registration = registrationOf({ brokerId: nodeId, endpoints, rack }, this.parts.clock);
    while (!former.signal.aborted) {
      try {
        return await this.registerAs(registration);
      } catch (error) {
        if (!(error instanceof CoordinationError) || error.code !== 'NODEEXISTS') throw error;
        await this.formerRegistrationGone(nodeId, former);
      }
    }
    throw new Error('the broker is about to stop');
  }

  private registerAs(registration: BrokerRegistration): Promise<number> {
    return new Promise((resolve, reject) => {
      registerBroker(this.parts.coordination, registration, (error, brokerEpoch) =>
        error === null ? resolve(brokerEpoch) : reject(error),
      );
    });
  }

  /** Resolves when it is worth another try. */
  private formerRegistrationGone(nodeId: number, former: FormerLife): Promise<void> {
    const { sessionIds, patienceMs, timers, signal } = former;
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null) => {
        timer.cancel();
        signal.removeEventListener('abort', gone);
        unsubscribe();
        if (error === null) resolve();
        else reject(error);
      };
      const gone = () => settle(null);
      const judge = (owner: string | null, ifOurs: () => void) => {
        if (owner === null) return settle(null);
        if (sessionIds.has(owner)) return ifOurs();
        settle(new RejoinRefused(`broker.id ${nodeId} has been taken by another broker meanwhile`));
      };
      const look = (ifOurs: () => void) =>
        registrationOwner(this.parts.coordination, nodeId, gone, (error, owner) =>
          error === null ? judge(owner, ifOurs) : settle(error),
        );
      // ZooKeeper may forget to (ZOOKEEPER-2985).
      const timer = timers.after(patienceMs, () => look(() => this.removeRegistration(nodeId, settle)));
      const unsubscribe = this.parts.coordination.onSession((state) => {
        if (state === 'expired') settle(new Error('the new session is over, too'));
      });
      signal.addEventListener('abort', gone);
      look(() => undefined);
    });
  }

  private removeRegistration(nodeId: number, done: (error: Error | null) => void): void {
    const removal: WriteOperation = { type: 'delete', path: treePaths.broker(nodeId), version: ANY_VERSION };
    this.parts.coordination.write([removal], (error) => done(error?.code === 'NONODE' ? null : error));
  }
}

function idTaken(nodeId: number, cause: CoordinationError): Error {
  return new Error(
    `broker.id ${nodeId} is registered already: another broker has it, or this one ended without farewell and is not ` +
      'forgotten yet (after zookeeper.session.timeout.ms it is)',
    { cause },
  );
}

function promised(act: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    act((error) => (error === null ? resolve() : reject(error)));
  });
}
