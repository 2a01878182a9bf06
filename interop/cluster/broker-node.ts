import { globSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../scripts/kafka-jars.ts';
import { HostProcess } from './host-process.ts';
import type { Host } from './network.ts';
import { SmallDisk } from './small-disk.ts';

const PORT = 9092;
const PROGRAM = join(projectDirectory, 'packages/cli/bin/odradek.js');
const START_DEADLINE_MS = 30_000;
/** Where Debian puts it, on whichever processor. */
const FAKETIME_PATTERN = '/usr/lib/*/faketime/libfaketime.so.1';

/** What is missing for clocks that step, or null. */
export function clockFault(): string | null {
  return faketime() === null ? `${FAKETIME_PATTERN} is not there (Debian: libfaketime)` : null;
}

function faketime(): string | null {
  return globSync(FAKETIME_PATTERN)[0] ?? null;
}

/** One broker: a process at a time, on one host and one small disk for all of its lives. */
export class BrokerNode {
  readonly id: number;
  readonly host: Host;
  readonly disk: SmallDisk;
  private readonly settings: Readonly<Record<string, string>>;
  private readonly logFile: string;
  private readonly clockFile: string;
  private process: HostProcess | null = null;

  constructor(id: number, host: Host, folder: string, settings: Readonly<Record<string, string>>) {
    this.id = id;
    this.host = host;
    this.disk = new SmallDisk(join(folder, `disk-${id}`));
    this.logFile = join(folder, `broker-${id}.log`);
    this.clockFile = join(folder, `clock-${id}`);
    this.settings = {
      ...settings,
      'broker.id': String(id),
      listeners: `PLAINTEXT://${this.address}`,
      'log.dirs': join(this.disk.path, 'data'),
    };
    this.setClock('+0');
  }

  get address(): string {
    return `${this.host.address}:${PORT}`;
  }

  /** Whether this life is still the one of the last start. */
  get isRunning(): boolean {
    return this.process?.isRunning === true;
  }

  /** Starts it; where it gives up, as it does while its id is taken, again, as a supervisor would. */
  async start(): Promise<void> {
    const end = performance.now() + START_DEADLINE_MS;
    for (;;) {
      if (await this.startOnce()) return;
      if (performance.now() > end) {
        throw new Error(`broker ${this.id} does not start:\n${this.process!.output.slice(-2_000)}`);
      }
    }
  }

  private async startOnce(): Promise<boolean> {
    const overrides = Object.entries(this.settings).flatMap(([name, value]) => [
      '--override',
      `${name}=${value}`,
    ]);
    const command = [process.execPath, PROGRAM, 'start', ...overrides];
    this.process = new HostProcess(this.host, command, this.clockEnvironment(), this.logFile);
    return this.process.printed('listens on', START_DEADLINE_MS);
  }

  /** kill -9. */
  kill(): Promise<void> {
    return this.process?.end('SIGKILL') ?? Promise.resolve();
  }

  /** In order. */
  stop(): Promise<void> {
    return this.process?.end('SIGTERM') ?? Promise.resolve();
  }

  pause(): void {
    this.process?.signal('SIGSTOP');
  }

  resume(): void {
    this.process?.signal('SIGCONT');
  }

  /** @param offset from the true time: `+0`, `+1h`, `-2h`; noticed within a second */
  setClock(offset: string): void {
    writeFileSync(this.clockFile, offset);
  }

  private clockEnvironment(): Record<string, string> {
    return {
      LD_PRELOAD: faketime()!,
      FAKETIME_TIMESTAMP_FILE: this.clockFile,
      FAKETIME_CACHE_DURATION: '1',
      // What steps is the wall clock; monotonic time has no steps.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  remove(): void {
    this.disk.remove();
    rmSync(this.clockFile, { force: true });
  }
}
