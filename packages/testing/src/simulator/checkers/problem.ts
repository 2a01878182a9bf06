import type { AnomalyName } from '../../history/anomaly.ts';

/** What checkers hold to be true at all times, at the end of a run, or at a point of a scenario. */
export const RULE_NAMES = [
  'two-leaders',
  'committed-lost',
  'committed-differs',
  'high-watermark-back',
  'end-offset-back',
  'two-owners',
  'committed-offset-lost',
  'replicas-differ',
  'offsets-not-dense',
  'sequence-gap',
  'resurrected',
  'not-converged',
  'acknowledged-too-early',
  'in-sync-set-changed',
  'inherited',
] as const;

/**
 * An anomaly of the clients' history, a rule that a checker holds, or one of two that are none: `defect`, an error that
 * nobody has foreseen, and `refused`, something that a scenario asked for in vain.
 */
export type ProblemName = AnomalyName | (typeof RULE_NAMES)[number] | 'defect' | 'refused';

/** Something that must never be, seen in a run. */
export interface Problem {
  readonly name: ProblemName;
  readonly description: string;
}

/** Of one kind of problem so many are kept: one shows it, the rest is noise. */
const SAME_MAX = 5;

/** The problems of one run, each told to the trace when it is seen. */
export class Problems {
  readonly all: Problem[] = [];
  private readonly note: (text: string) => void;

  constructor(note: (text: string) => void) {
    this.note = note;
  }

  has(name: ProblemName): boolean {
    return this.all.some((known) => known.name === name);
  }

  add(name: ProblemName, description: string): void {
    if (this.all.filter((known) => known.name === name).length >= SAME_MAX) return;
    this.all.push({ name, description });
    this.note(`PROBLEM ${name}: ${description}`);
  }
}
