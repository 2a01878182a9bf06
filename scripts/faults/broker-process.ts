import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';

const PROGRAM = join(import.meta.dirname, '../../packages/cli/bin/odradek.js');
const START_DEADLINE_MS = 30_000;

/** A broker in a process of its own, on one port and one data directory for all of its lives. */
export class BrokerProcess {
  readonly port: number;
  private readonly dataDirectory: string;
  private readonly overrides: readonly string[];
  private child: ChildProcess | null = null;
  private output = '';

  private constructor(port: number, dataDirectory: string, overrides: readonly string[]) {
    this.port = port;
    this.dataDirectory = dataDirectory;
    this.overrides = overrides;
  }

  /** @param overrides settings, `name=value` each */
  static async at(dataDirectory: string, overrides: readonly string[] = []): Promise<BrokerProcess> {
    return new BrokerProcess(await freePort(), dataDirectory, overrides);
  }

  get bootstrapServers(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Null while it runs; what it ended with otherwise. */
  get exitCode(): number | null {
    return this.child?.exitCode ?? null;
  }

  /** Everything that it printed in this life. */
  get printed(): string {
    return this.output;
  }

  async start(): Promise<void> {
    const listeners = `listeners=PLAINTEXT://127.0.0.1:${this.port}`;
    const overrides = [listeners, ...this.overrides].flatMap((setting) => ['--override', setting]);
    this.output = '';
    const child = spawn(process.execPath, [PROGRAM, 'start', '--data', this.dataDirectory, ...overrides], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`the broker ${why}:\n${this.output}`));
      const timer = setTimeout(() => fail('did not start in time'), START_DEADLINE_MS);
      const take = (chunk: Buffer): void => {
        this.output += chunk.toString();
        if (!this.output.includes('listens on')) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout!.on('data', take);
      child.stderr!.on('data', take);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`ended with ${code ?? signal}`);
      });
    });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}
