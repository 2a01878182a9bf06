import { OPERATIONS } from '../operations/operations.ts';
import { BREAKAGES } from './breakages.ts';
import type { FaultScript, Happening } from './fault-script.ts';

/** Something that goes wrong, or is done by an administrator. A run's faults are data: some can be left out. */
export interface Fault extends Happening {
  readonly what: FaultKind;
}

export const FAULTS = { ...BREAKAGES, ...OPERATIONS } satisfies Record<string, FaultScript>;

export type FaultKind = keyof typeof FAULTS;

export function scriptOf(kind: FaultKind): FaultScript {
  return FAULTS[kind];
}

export function describeFault({ atMs, forMs, what, broker, other }: Fault): string {
  const length = forMs > 0 ? ` for ${Math.round(forMs)} ms` : '';
  const between = other === broker ? '' : ` and ${other === 0 ? 'zookeeper' : `broker ${other}`}`;
  return `at ${Math.round(atMs)} ms: ${what} broker ${broker}${between}${length}`;
}
