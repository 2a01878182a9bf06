import { inspect } from 'node:util';
import { crc32 } from 'node:zlib';

/** Lines of one run that are kept for printing; the oldest go first. */
const LINES_MAX = 20_000;

/**
 * What happened in a run, line by line, and a hash of all of it: two runs of one seed must have the same.
 */
export class Trace {
  private readonly now: () => number;
  private readonly kept: string[] = [];
  private sum = 0;
  private count = 0;

  /** @param now virtual time, milliseconds */
  constructor(now: () => number) {
    this.now = now;
  }

  /** Something that a reader of the trace should see. */
  note(text: string): void {
    this.count += 1;
    this.sum = crc32(this.keep(text), this.sum);
  }

  private keep(text: string): string {
    const line = `${this.now().toFixed(3).padStart(12)} ${text}`;
    this.kept.push(line);
    if (this.kept.length > LINES_MAX) this.kept.splice(0, LINES_MAX / 2);
    return line;
  }

  /** What a process logged: for the reader only, since it may hold stacks. */
  log(text: string, values?: Readonly<Record<string, unknown>>): void {
    const details = values === undefined ? '' : ` ${inspect(values, { breakLength: Infinity, depth: 3 })}`;
    this.keep(`${text}${details}`);
  }

  /** Something that only counts for the hash. */
  mix(bytes: Buffer | string): void {
    this.count += 1;
    this.sum = crc32(bytes, this.sum);
  }

  get hash(): string {
    return `${this.count}-${this.sum.toString(16).padStart(8, '0')}`;
  }

  get lines(): readonly string[] {
    return this.kept;
  }
}
