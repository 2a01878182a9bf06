import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Host } from './network.ts';

/** A program that runs on one of the hosts. */
export class HostProcess {
  /** All that it has printed in this life. */
  output = '';
  private readonly child: ChildProcess;

  /** @param logFile gets what it prints, after what is there */
  constructor(
    host: Host,
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    logFile: string,
  ) {
    const log = createWriteStream(logFile, { flags: 'a' });
    this.child = spawn('ip', ['netns', 'exec', host.namespace, ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-20_000);
        log.write(chunk);
      });
    }
    this.child.once('close', () => log.end());
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    // What is stopped takes no other signal than this and SIGKILL.
    this.child.kill('SIGCONT');
    await exited;
  }

  /** Resolves with whether it printed that before it ended. */
  async printed(text: string, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs;
    while (!this.output.includes(text)) {
      if (!this.isRunning || performance.now() > end) return false;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return true;
  }
}
