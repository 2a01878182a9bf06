import { SimulatedEnsemble } from '../coordination/simulated-ensemble.ts';
import { Network } from '../network/network.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { DriftingClock } from '../time/drifting-clock.ts';
import { VirtualTime } from '../time/virtual-time.ts';
import { Trace } from '../trace.ts';

/** A program that is killed now and then, and begins again. */
export interface MortalProgram {
  readonly name: string;
  /** `kill -9`. */
  kill(): void;
  /** Begins its next life, where it has none. */
  start(): void;
}

/**
 * What everything in one simulation shares. Each part has a stream of chance of its own: what one draws more or
 * less leaves the others as they were.
 */
export class World {
  readonly time = new VirtualTime();
  readonly trace = new Trace(() => this.time.nowMs);
  readonly random: SeededRandom;
  readonly network: Network;
  readonly ensemble: SimulatedEnsemble;

  /** Of clients, each on a machine of its own, as many as there have been. */
  readonly clients: SimulatedProcess[] = [];
  /** Those of the clients that stand being killed. */
  readonly mortals: MortalProgram[] = [];
  /** Whether it is checkers that look into brokers at this moment: what they read is not hit by faults. */
  isObserved = false;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.network = new Network(this.time, this.random.fork(1));
    this.ensemble = new SimulatedEnsemble(this.time, new DriftingClock(this.time));
  }
}
