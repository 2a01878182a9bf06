import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts } from './machine.ts';
import { plotOf } from './plot.ts';
import { rowsOf, type Experiment, type Measured, type Row } from './rows.ts';
import { tableOf, verdictTable } from './table.ts';
import { verdictsOf, type Target } from './targets.ts';

/** A measurement that could not be made. */
export interface Failed {
  readonly workload: string;
  readonly peer: string;
  readonly round: number;
  readonly error: string;
}

export interface ResultsOptions {
  /** Of the files, without an ending. */
  readonly name: string;
  readonly title: string;
  /** The first is what is being judged. */
  readonly peers: readonly string[];
  readonly experiments: readonly Experiment[];
  readonly targets: readonly Target[];
  /** How it was done, beside what the machine is. */
  readonly facts: Readonly<Record<string, string>>;
  /** Goes on with what the files hold already. */
  readonly isResumed: boolean;
}

export const resultsDirectory = join(import.meta.dirname, '..', 'results');

/** All that was measured in one run. It is on the disk after each measurement: a run that is cut short keeps it. */
export class Results {
  private readonly options: ResultsOptions;
  private readonly measured: Measured[] = [];
  private readonly failed: Failed[] = [];
  private readonly skipped: string[] = [];

  constructor(options: ResultsOptions) {
    this.options = options;
    if (!options.isResumed || !existsSync(this.file('json'))) return;
    const earlier = JSON.parse(readFileSync(this.file('json'), 'utf8')) as { measured: Measured[] };
    this.measured.push(...earlier.measured);
  }

  has(workload: string, peer: string, round: number): boolean {
    return this.measured.some(
      (each) => each.workload === workload && each.peer === peer && each.round === round,
    );
  }

  note(measured: Measured): void {
    this.measured.push(measured);
    const figures = Object.entries(measured.metrics).map(
      ([name, value]) => `${name} ${value.toPrecision(4)}`,
    );
    this.say(measured, figures.join(', '));
    this.save();
  }

  noteFailure(failed: Failed): void {
    this.failed.push(failed);
    this.say(failed, `FAILED: ${failed.error}`);
    this.save();
  }

  /** What the time did not suffice for. */
  noteSkipped(what: string): void {
    this.skipped.push(what);
    this.save();
  }

  rows(): Row[] {
    const { experiments, peers } = this.options;
    return rowsOf(this.measured, experiments, peers);
  }

  /** All that a reader wants to see, as Markdown. */
  text(): string {
    const { peers, targets, facts, title } = this.options;
    const rows = this.rows();
    const lines = [`# ${title}`, ''];
    for (const [key, value] of Object.entries({ ...machineFacts(), ...facts }))
      lines.push(`- ${key}: ${value}`);
    lines.push('', tableOf(rows, peers));
    if (targets.length > 0) {
      lines.push('', '## Targets', '', verdictTable(verdictsOf(targets, rows, peers[0]!)));
    }
    if (this.failed.length > 0) {
      lines.push('', '## What failed', '');
      for (const { workload, peer, round, error } of this.failed)
        lines.push(`- ${workload}, ${peer}, round ${round + 1}: ${error.split('\n')[0]!.slice(0, 300)}`);
    }
    if (this.skipped.length > 0) {
      lines.push('', '## What the time did not suffice for', '', this.skipped.join(', '));
    }
    return `${lines.join('\n')}\n`;
  }

  save(): void {
    const { name, title, peers, targets, facts } = this.options;
    mkdirSync(resultsDirectory, { recursive: true });
    const rows = this.rows();
    const all = {
      name,
      ...machineFacts(),
      ...facts,
      targets: verdictsOf(targets, rows, peers[0]!),
      rows,
      failed: this.failed,
      skipped: this.skipped,
      measured: this.measured,
    };
    this.write('json', `${JSON.stringify(all, null, 1)}\n`);
    this.write('md', this.text());
    this.write('svg', plotOf(title, rows, peers));
  }

  private write(ending: string, text: string): void {
    // Whoever looks meanwhile sees the old or the new whole.
    writeFileSync(`${this.file(ending)}.partial`, text);
    renameSync(`${this.file(ending)}.partial`, this.file(ending));
  }

  private file(ending: string): string {
    return join(resultsDirectory, `${this.options.name}.${ending}`);
  }

  private say(
    { workload, peer, round }: { workload: string; peer: string; round: number },
    text: string,
  ): void {
    console.error(`${new Date().toISOString().slice(11, 19)} ${round + 1} ${peer} ${workload}: ${text}`);
  }
}
