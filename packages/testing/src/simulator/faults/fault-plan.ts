import type { SeededRandom } from '../../seeded-random.ts';
import { type Fault, FAULTS, type FaultKind, scriptOf } from './fault.ts';

export interface PlanOptions {
  readonly brokers: number;
  /** No fault begins or lasts beyond this. */
  readonly durationMs: number;
  readonly count: number;
  /** All unless given. */
  readonly kinds?: readonly FaultKind[];
}

/** Faults by chance, in the order of their beginnings. */
export function planFaults(random: SeededRandom, options: PlanOptions): Fault[] {
  const faults = Array.from({ length: options.count }, () => oneFault(random, options));
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function oneFault(random: SeededRandom, { brokers, durationMs, kinds }: PlanOptions): Fault {
  const what = chosen(random, kinds ?? (Object.keys(FAULTS) as FaultKind[]));
  const atMs = Math.round(random.fraction() * durationMs);
  const forMs = Math.min(Math.round(random.fraction() ** 2 * scriptOf(what).maxMs), durationMs - atMs);
  const broker = 1 + random.below(brokers);
  // Any other broker, or the ensemble.
  const other = (broker + 1 + random.below(brokers)) % (brokers + 1);
  return { atMs, forMs, what, broker, other };
}

function chosen(random: SeededRandom, kinds: readonly FaultKind[]): FaultKind {
  const total = kinds.reduce((sum, kind) => sum + scriptOf(kind).weight, 0);
  let at = random.fraction() * total;
  return kinds.find((kind) => (at -= scriptOf(kind).weight) < 0) ?? kinds[0]!;
}
