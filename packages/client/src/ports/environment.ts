import type { Clock, Timers } from './clock.ts';
import type { Random } from './random.ts';
import type { Sockets } from './sockets.ts';
import type { Threads } from './threads.ts';

/** Everything of the outside world that a client touches. */
export interface ClientEnvironment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly sockets: Sockets;
  /** Where there are none, what needs a thread is refused. */
  readonly threads?: Threads;
}
