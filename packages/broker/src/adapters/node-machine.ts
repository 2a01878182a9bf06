import { setImmediate } from 'node:timers/promises';
import { nodeEnvironment } from '@odradek/client/adapters/node-environment.ts';
import type { Machine } from '../machine.ts';
import { NodeAcceptor } from './node-acceptor.ts';
import { nodeCodecs } from './node-codecs.ts';
import { openFilesForLogs } from './open-file-limit.ts';
import { systemClock } from './system-clock.ts';
import { systemRandom } from './system-random.ts';
import { SystemTimers } from './system-timers.ts';

/** This machine, as one broker has it: the timers are its own. */
export function nodeMachine(): Machine {
  return {
    clock: systemClock,
    timers: new SystemTimers(),
    random: systemRandom,
    codecs: nodeCodecs,
    sockets: nodeEnvironment().sockets,
    openFilesMax: openFilesForLogs,
    acceptor: (address, events) => new NodeAcceptor(address, events),
    nextTurn: () => setImmediate(),
  };
}
