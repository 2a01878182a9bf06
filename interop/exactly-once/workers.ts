import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Processes of one program, in numbered slots, to be killed and started again. */
export class Workers {
  private readonly program: string;
  private readonly args: (slot: number) => readonly string[];
  private readonly running: ChildProcess[] = [];
  readonly count: number;

  /** @param args of the program in a slot */
  constructor(program: string, count: number, args: (slot: number) => readonly string[]) {
    this.program = program;
    this.count = count;
    this.args = args;
    for (let slot = 0; slot < count; slot++) this.start(slot);
  }

  /** kill -9 of some one, and its start. @param between what happens while it is dead */
  async killOne(between: (slot: number) => void = () => undefined): Promise<void> {
    const slot = this.anySlot();
    await this.kill(slot);
    between(slot);
    this.start(slot);
  }

  /** Stops the clock of some one, not its sockets, until the returned function is called. */
  freezeOne(): () => void {
    const worker = this.running[this.anySlot()]!;
    worker.kill('SIGSTOP');
    return () => void worker.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    for (let slot = 0; slot < this.count; slot++) await this.kill(slot);
  }

  private anySlot(): number {
    return Math.floor(Math.random() * this.count);
  }

  private start(slot: number): void {
    const args = ['--disable-warning=ExperimentalWarning', this.program, ...this.args(slot)];
    this.running[slot] = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  private async kill(slot: number): Promise<void> {
    const worker = this.running[slot]!;
    if (worker.exitCode !== null || worker.signalCode !== null) {
      throw new Error(`worker ${slot} ended by itself with ${worker.exitCode}`);
    }
    const ended = once(worker, 'exit');
    worker.kill('SIGKILL');
    await ended;
  }
}
