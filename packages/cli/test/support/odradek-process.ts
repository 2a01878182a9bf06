import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../../bin/odradek.js');

export interface Ending {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as a process of its own, for what only processes have: signals and closed pipes. */
export class OdradekProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ending>;
  private stdout = '';
  private stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
      env: { ...process.env, ...env },
    });
    this.child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    // A process that is gone reads no more.
    this.child.stdin.on('error', () => undefined);
    this.ended = once(this.child, 'close').then(([exitCode, signal]) => ({
      exitCode: exitCode as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** What it has written on the standard output until now. */
  get output(): string {
    return this.stdout;
  }

  /** Resolves once the output, of both kinds together, looks like this; fails when the process ends before. */
  async until(pattern: RegExp): Promise<void> {
    let isEnded = false;
    void this.ended.then(() => (isEnded = true));
    while (!pattern.test(this.stdout + this.stderr)) {
      if (isEnded) throw new Error(`ended without ${pattern}: ${this.stdout}${this.stderr}`);
      await Promise.race([once(this.child.stdout, 'data'), once(this.child.stderr, 'data'), this.ended]);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}
