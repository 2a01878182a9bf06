import type { Coordination, WriteOperation } from '../ports/coordination.ts';
import { attempt, isOneOf } from './callback-flow.ts';
import {
  decodeControllerEpoch,
  decodeControllerNode,
  encodeControllerEpoch,
  encodeControllerNode,
} from './controller-node.ts';
import { treePaths } from './tree-paths.ts';

/** The outcome of an election. */
export interface ControllerTerm {
  /** The broker that is the controller, possibly another. */
  readonly controllerId: number;
  /** Set when this broker won. */
  readonly won: {
    readonly epoch: number;
    /** Version of `/controller_epoch` since: who writes as controller checks that it is still this one. */
    readonly epochVersion: number;
  } | null;
}

type Done = (error: Error | null, term: ControllerTerm | null) => void;

/**
 * Tries to become the controller. The node `/controller` and the next number in `/controller_epoch` are written
 * together, so each epoch has one controller. After a lost answer both are read: own id with the tried epoch means
 * that the try won, anything else that another did (F50 of the faults).
 */
export function electController(
  coordination: Coordination,
  brokerId: number,
  timestampMs: number,
  done: Done,
): void {
  coordination.read(treePaths.controller, null, (error, contents) => {
    if (error === null) {
      const [fault, controllerId] = attempt(() => decodeControllerNode(contents.data));
      return fault === null ? done(null, { controllerId, won: null }) : done(fault, null);
    }
    if (!isOneOf(error, 'NONODE')) return done(error, null);
    readEpoch(coordination, (failure, epoch) => {
      if (failure !== null) return done(failure, null);
      claim(coordination, { brokerId, timestampMs, ...epoch! }, done);
    });
  });
}

interface Epoch {
  readonly epoch: number;
  readonly version: number;
}

function readEpoch(
  coordination: Coordination,
  done: (error: Error | null, epoch: Epoch | null) => void,
): void {
  coordination.read(treePaths.controllerEpoch, null, (error, contents) => {
    if (error === null) {
      const [fault, epoch] = attempt(() => decodeControllerEpoch(contents.data));
      return fault === null ? done(null, { epoch, version: contents.stat.version }) : done(fault, null);
    }
    if (!isOneOf(error, 'NONODE')) return done(error, null);
    const data = encodeControllerEpoch(0);
    coordination.write(
      [{ type: 'create', path: treePaths.controllerEpoch, data, mode: 'persistent' }],
      (failure) => {
        if (failure !== null && !isOneOf(failure, 'NODEEXISTS', 'CONNECTIONLOSS')) return done(failure, null);
        readEpoch(coordination, done);
      },
    );
  });
}

function claim(
  coordination: Coordination,
  candidate: Epoch & { readonly brokerId: number; readonly timestampMs: number },
  done: Done,
): void {
  const { brokerId, timestampMs, epoch, version } = candidate;
  const term = { controllerId: brokerId, won: { epoch: epoch + 1, epochVersion: version + 1 } };
  const operations: WriteOperation[] = [
    {
      type: 'create',
      path: treePaths.controller,
      data: encodeControllerNode(brokerId, timestampMs),
      mode: 'ephemeral',
    },
    { type: 'set', path: treePaths.controllerEpoch, data: encodeControllerEpoch(epoch + 1), version },
  ];
  coordination.write(operations, (error) => {
    if (error === null) return done(null, term);
    if (!isOneOf(error, 'NODEEXISTS', 'BADVERSION', 'CONNECTIONLOSS')) return done(error, null);
    whoWon(coordination, term, timestampMs, done);
  });
}

function whoWon(
  coordination: Coordination,
  tried: ControllerTerm & { readonly won: object },
  timestampMs: number,
  done: Done,
): void {
  coordination.read(treePaths.controller, null, (error, controller) => {
    if (error !== null && isOneOf(error, 'NONODE')) {
      return electController(coordination, tried.controllerId, timestampMs, done);
    }
    if (error !== null) return done(error, null);
    const [fault, controllerId] = attempt(() => decodeControllerNode(controller.data));
    if (fault !== null) return done(fault, null);
    readEpoch(coordination, (failure, now) => {
      if (failure !== null) return done(failure, null);
      const isOurs =
        controllerId === tried.controllerId &&
        controller.stat.ephemeralOwner === coordination.sessionId &&
        now!.epoch === tried.won?.epoch;
      done(null, isOurs ? tried : { controllerId, won: null });
    });
  });
}
