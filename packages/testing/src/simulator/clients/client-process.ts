import type { ClientEnvironment } from '@odradek/client/ports/environment.ts';
import type { World } from '../cluster/world.ts';
import { SimulatedProcess } from '../process/simulated-process.ts';
import { DriftingClock } from '../time/drifting-clock.ts';

/** A process on a machine of its own, for a client or for a test's own code. */
export function clientProcess(world: World, name: string, number: number): SimulatedProcess {
  const random = world.random.fork(50_000 + number);
  const process = new SimulatedProcess(name, world.time, new DriftingClock(world.time), random);
  world.clients.push(process);
  return process;
}

/** The outside world of a client that runs in a simulated process. */
export function simulatedEnvironment(world: World, process: SimulatedProcess): ClientEnvironment {
  return {
    clock: process.clock,
    timers: process.timers,
    random: process.random,
    sockets: { connect: (address, events) => world.network.connect(process, address, events) },
  };
}
