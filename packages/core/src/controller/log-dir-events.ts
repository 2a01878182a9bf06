import { ANY_VERSION, type Coordination, type CoordinationError } from '../ports/coordination.ts';
import { allOf, attempt, isOneOf, type Ended } from './callback-flow.ts';
import type { ControllerTerm } from './controller-term.ts';
import { encodeJson, JsonNode } from './json-node.ts';
import { treePaths } from './tree-paths.ts';

/** The one kind of event that there is: a log directory has failed. */
const FAILED = 1;

/** Tells the controller, whoever that is, that replicas of a broker lie on a disk that does not work any more. */
export function announceLogDirFailure(
  coordination: Coordination,
  brokerId: number,
  done: (error: CoordinationError | null) => void,
): void {
  const path = `${treePaths.logDirEvents}/log_dir_event_`;
  const data = encodeJson({ version: 1, broker: brokerId, event: FAILED });
  coordination.write([{ type: 'create', path, data, mode: 'persistent-sequential' }], done);
}

/**
 * Asks the brokers that have announced a failure for all of their replicas: by their answers they say which ones
 * cannot be used. What is no announcement is reported and removed like one.
 */
export function logDirEventsAppeared(term: ControllerTerm, names: readonly string[], done: Ended): void {
  const { coordination, state, log } = term.parts;
  const brokerIds = new Set<number>();
  const take = (name: string, next: Ended) => {
    const path = `${treePaths.logDirEvents}/${name}`;
    coordination.read(path, null, (error, contents) => {
      if (error !== null) return next(isOneOf(error, 'NONODE') ? null : error);
      const [fault, brokerId] = attempt(() => new JsonNode(path, contents.data).integer('broker'));
      if (fault !== null) log.error('a notice of a log directory cannot be read', { error: fault });
      else if (state.isLive(brokerId)) brokerIds.add(brokerId);
      next(null);
    });
  };
  allOf(names, take, (error) => {
    if (error !== null) return done(error);
    if (brokerIds.size > 0) {
      log.info('log directories have failed', { brokers: [...brokerIds] });
      term.announcements.everythingTo([...brokerIds]);
    }
    allOf(names, (name, next) => remove(coordination, name, next), done);
  });
}

function remove(coordination: Coordination, name: string, done: Ended): void {
  const path = `${treePaths.logDirEvents}/${name}`;
  coordination.write([{ type: 'delete', path, version: ANY_VERSION }], (error) =>
    done(error === null || isOneOf(error, 'NONODE') ? null : error),
  );
}
