/** Something that must never be, seen in a run. */
export interface Problem {
  /** An anomaly's name, or that of a rule that a checker holds. */
  readonly name: string;
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

  has(name: string): boolean {
    return this.all.some((known) => known.name === name);
  }

  add(name: string, description: string): void {
    if (this.all.filter((known) => known.name === name).length >= SAME_MAX) return;
    this.all.push({ name, description });
    this.note(`PROBLEM ${name}: ${description}`);
  }
}
