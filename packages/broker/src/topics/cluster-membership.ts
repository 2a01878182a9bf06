import type { BrokerEndpoint } from '@odradek/core/controller/broker-registration.ts';
import {
  createRoots,
  obtainClusterId,
  registerBroker,
  registrationOf,
} from '@odradek/core/controller/cluster-join.ts';
import type { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import type { Clock } from '@odradek/core/ports/clock.ts';
import type { Coordination, CoordinationError } from '@odradek/core/ports/coordination.ts';
import type { Random } from '@odradek/core/ports/random.ts';

export interface ClusterMembershipParts {
  readonly coordination: Coordination;
  readonly state: ClusterState;
  readonly clock: Clock;
  readonly random: Random;
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
   * Registers the broker until the session ends. @returns the broker epoch
   * @throws Error when another broker has this id
   */
  register(nodeId: number, endpoints: readonly BrokerEndpoint[], rack: string | null): Promise<number> {
    const registration = registrationOf({ brokerId: nodeId, endpoints, rack }, this.parts.clock);
    return new Promise((resolve, reject) => {
      registerBroker(this.parts.coordination, registration, (error, brokerEpoch) =>
        error === null ? resolve(brokerEpoch) : reject(explained(error, nodeId)),
      );
    });
  }
}

function explained(error: CoordinationError, nodeId: number): Error {
  if (error.code !== 'NODEEXISTS') return error;
  return new Error(
    `broker.id ${nodeId} is registered already: another broker has it, or this one ended without farewell and is not ` +
      'forgotten yet (after zookeeper.session.timeout.ms it is)',
    { cause: error },
  );
}

function promised(act: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    act((error) => (error === null ? resolve() : reject(error)));
  });
}
