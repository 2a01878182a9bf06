import type { Coordination, CoordinationError } from '../ports/coordination.ts';
import type { Ended } from './callback-flow.ts';
import type { ControllerTerm } from './controller-term.ts';
import { encodeJson, type JsonNode } from './json-node.ts';
import { takeNotices } from './tree-notices.ts';
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
 * cannot be used.
 */
export function logDirEventsAppeared(term: ControllerTerm, names: readonly string[], done: Ended): void {
  const { state, log } = term.parts;
  const brokerOf = (node: JsonNode) => node.integer('broker');
  takeNotices(
    term,
    treePaths.logDirEvents,
    names,
    brokerOf,
    (announced, next) => {
      const brokers = [...new Set(announced)].filter(state.isLive);
      if (brokers.length > 0) {
        log.info('log directories have failed', { brokers });
        term.announcements.everythingTo(brokers);
      }
      next(null);
    },
    done,
  );
}
