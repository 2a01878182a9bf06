import type { Problem } from './checkers/problem.ts';
import type { Fault } from './faults/fault.ts';

/** What came of one run. */
export interface Outcome {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly problems: readonly Problem[];
  /** The same for the same seed and faults, always. */
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly events: number;
  /** How long the cluster has lived, milliseconds of its own time. */
  readonly livedMs: number;
}
