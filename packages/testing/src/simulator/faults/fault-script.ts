import { SeededRandom } from '../../seeded-random.ts';
import type { SimulatedCluster } from '../cluster/simulated-cluster.ts';
import type { World } from '../cluster/world.ts';

/** When something happens, and to whom. */
export interface Happening {
  readonly atMs: number;
  /** How long it lasts; 0 for what happens in an instant. */
  readonly forMs: number;
  /** The broker that it happens to. */
  readonly broker: number;
  /** The other one, where two are concerned: a broker's id, or 0 for the ensemble. */
  readonly other: number;
}

/** How something goes wrong, or is done by an administrator: it begins at a time, and ends after another. */
export interface FaultScript {
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  readonly maxMs: number;
  begin(world: World, cluster: SimulatedCluster, happening: Happening): void;
  end(world: World, cluster: SimulatedCluster, happening: Happening): void;
}

export const NOTHING = (): void => {};

/** Of the happening alone: it stays the same when others are left out. */
export function chanceOf({ atMs, broker, other }: Happening): SeededRandom {
  return new SeededRandom(Math.round(atMs) * 64 + broker * 8 + other);
}
