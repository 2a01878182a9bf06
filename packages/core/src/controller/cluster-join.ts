import { ANY_VERSION, type Coordination, CoordinationError, type Watch } from '../ports/coordination.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { encodeBrokerRegistration, type BrokerRegistration } from './broker-registration.ts';
import { allOf, attempt, isOneOf, type Ended } from './callback-flow.ts';
import { decodeClusterId, encodeClusterId } from './controller-node.ts';
import { rootPaths, treePaths } from './tree-paths.ts';

/** Makes the persistent nodes that everything else hangs on; those that are there stay as they are. */
export function createRoots(coordination: Coordination, done: Ended): void {
  const ended: Ended = (error) => {
    // What was not written is written now, and all the rest is there.
    if (error instanceof CoordinationError && isOneOf(error, 'CONNECTIONLOSS'))
      createRoots(coordination, done);
    else done(error);
  };
  // All at once: a session's calls take effect in their order.
  allOf(
    rootPaths,
    (path, next) => {
      coordination.write([{ type: 'create', path, data: null, mode: 'persistent' }], (error) =>
        next(error === null || isOneOf(error, 'NODEEXISTS') ? null : error),
      );
    },
    ended,
  );
}

/**
 * The identity of the cluster, made by the first broker that ever comes.
 * @param known what the log directories say (meta.properties), or null: the id that a new tree gets
 */
export function obtainClusterId(
  coordination: Coordination,
  known: string | null,
  random: Random,
  done: (error: Error | null, clusterId: string) => void,
): void {
  readClusterId(coordination, (error, found) => {
    if (error !== null || found !== null) return done(error, found ?? '');
    const clusterId = known ?? random.uuidBytes().toString('base64url');
    const data = encodeClusterId(clusterId);
    coordination.write(
      [{ type: 'create', path: treePaths.clusterId, data, mode: 'persistent' }],
      (failure) => {
        if (failure === null) return done(null, clusterId);
        if (!isOneOf(failure, 'NODEEXISTS', 'CONNECTIONLOSS')) return done(failure, '');
        obtainClusterId(coordination, known, random, done);
      },
    );
  });
}

/** The identity of the cluster, null while the tree has none. */
export function readClusterId(
  coordination: Coordination,
  done: (error: Error | null, clusterId: string | null) => void,
): void {
  coordination.read(treePaths.clusterId, null, (error, contents) => {
    if (error !== null) return done(isOneOf(error, 'NONODE') ? null : error, null);
    const [fault, clusterId] = attempt(() => decodeClusterId(contents.data));
    done(fault, clusterId);
  });
}

/**
 * Registers the broker for as long as the session lives.
 *
 * A node that is there already is ours when our session owns it: an earlier try went through whose answer was
 * lost. Any other owner is another broker of this id, or our own life before, which ZooKeeper forgets once its
 * session has timed out; then this fails with NODEEXISTS.
 * @param done gets the broker epoch: the transaction that created the node
 */
export function registerBroker(
  coordination: Coordination,
  broker: BrokerRegistration,
  done: (error: CoordinationError | null, brokerEpoch: number) => void,
): void {
  const path = treePaths.broker(broker.brokerId);
  const data = encodeBrokerRegistration(broker);
  coordination.write(
    [
      { type: 'create', path, data: null, mode: 'ephemeral' },
      // A multi tells the node's state only for a set: that is how Apache Kafka learns the creating transaction.
      { type: 'set', path, data, version: 0 },
    ],
    (error, results) => {
      if (error === null) return done(null, results[1]!.stat!.czxid);
      if (!isOneOf(error, 'NODEEXISTS', 'CONNECTIONLOSS')) return done(error, -1);
      coordination.stat(path, null, (statError, stat) => {
        if (statError !== null) return done(statError, -1);
        if (stat === null) return registerBroker(coordination, broker, done);
        if (stat.ephemeralOwner === coordination.sessionId) return done(null, stat.czxid);
        done(error, -1);
      });
    },
  );
}

/**
 * Whose registration stands in the way of `registerBroker`. Null: nobody's any more.
 * @param vanished once, when the registration goes, unless the session ends before
 */
export function registrationOwner(
  coordination: Coordination,
  brokerId: number,
  vanished: () => void,
  done: (error: CoordinationError | null, sessionId: string | null) => void,
): void {
  const watch: Watch = ({ type }) => {
    if (type === 'deleted') vanished();
  };
  coordination.stat(treePaths.broker(brokerId), watch, (error, stat) =>
    done(error, stat === null ? null : (stat.ephemeralOwner ?? '')),
  );
}

/**
 * An id for a broker that was given none (broker.id.generation.enable): no other broker gets it.
 * @param reservedBrokerMaxId reserved.broker.max.id: ids up to this are for those who choose their own
 */
export function generateBrokerId(
  coordination: Coordination,
  reservedBrokerMaxId: number,
  done: (error: CoordinationError | null, brokerId: number) => void,
): void {
  const data = Buffer.alloc(0);
  coordination.write(
    [{ type: 'set', path: treePaths.brokerSequence, data, version: ANY_VERSION }],
    (error, results) => {
      if (error === null) return done(null, reservedBrokerMaxId + results[0]!.stat!.version);
      // Whether it was counted nobody knows: an id may be left out, never given twice.
      if (isOneOf(error, 'CONNECTIONLOSS')) generateBrokerId(coordination, reservedBrokerMaxId, done);
      else done(error, -1);
    },
  );
}

/** What the clock says now is when the broker began. */
export function registrationOf(
  broker: Omit<BrokerRegistration, 'timestampMs' | 'jmxPort'>,
  clock: Clock,
): BrokerRegistration {
  return { ...broker, jmxPort: -1, timestampMs: clock.now() };
}
