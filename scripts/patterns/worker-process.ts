import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A program of this directory in a process of its own, to be killed at any moment. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private readonly program: string;
  private errors = '';
  private wasKilled = false;
  private wasStopped = false;

  /** @param settings what it finds as JSON in its first argument */
  constructor(program: string, settings: object) {
    this.program = program;
    this.child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, program), JSON.stringify(settings)],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.child.stderr!.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.wasKilled = true;
    await this.end('SIGKILL');
  }

  /** Stops its clock, not its sockets: what it wrote goes out, and what comes waits. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** Lets it end in good order; one that has hardly begun may end at once. @throws Error when it does not */
  async stop(): Promise<void> {
    this.wasStopped = true;
    await this.end('SIGTERM');
    this.check();
  }

  /** @throws Error when it ended by itself, which none should */
  check(): void {
    const { exitCode, signalCode } = this.child;
    const hasEnded = exitCode !== null || signalCode !== null;
    if (!hasEnded || this.wasKilled || exitCode === 0) return;
    if (this.wasStopped && signalCode === 'SIGTERM') return;
    throw new Error(`${this.program} ended with ${exitCode ?? signalCode}:\n${this.errors}`);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}

/** What the process that started this one wants. */
export function workerSettings<Settings>(): Settings {
  return JSON.parse(process.argv[2]!) as Settings;
}
