// A project as a user has it: a folder with what npm installs there, and no workspace near.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { projectDirectory } from '../../scripts/kafka-jars.ts';

const DEADLINE_MS = 120_000;
const LISTENS = /listens on (\S+), (\d+) ms after the start/;
/** As many users have them, in the versions that the workspace is checked with. */
const TOOLS = ['typescript', '@types/node', 'esbuild'];

export class EmptyProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'odradek-packages-'));
  private broker: ChildProcess | undefined;
  /** This Node.js before any other, nothing of the workspace, and no cache of earlier runs. */
  private readonly environment = {
    ...process.env,
    XDG_CACHE_HOME: join(this.folder, 'cache'),
    PATH: pathOutside(projectDirectory),
  };

  /** Installs tarballs, and the tools beside them. */
  install(tarballs: readonly string[], programs: string): void {
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ name: 'app', private: true }));
    cpSync(programs, this.folder, { recursive: true });
    const { devDependencies } = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const tools = TOOLS.map((name) => `${name}@${devDependencies[name]}`);
    const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    this.run('npm', ['install', ...options, ...tarballs, ...tools]);
  }

  /** @returns what the program wrote. @throws Error with its words when it fails or takes too long */
  run(program: string, args: readonly string[]): string {
    try {
      return execFileSync(program, args, {
        cwd: this.folder,
        encoding: 'utf8',
        env: this.environment,
        stdio: 'pipe',
        timeout: DEADLINE_MS,
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      throw new Error(`${program} ${args.join(' ')}: ${stdout ?? ''}${stderr ?? ''}`, { cause: error });
    }
  }

  /** `npx odradek start`. @returns where it listens, and after how long, as it says itself */
  async startBroker(): Promise<{ bootstrapServers: string; startMs: number }> {
    const short = ['--override', 'group.min.session.timeout.ms=1000'];
    const child = spawn('npx', ['odradek', 'start', '--memory', '--port', '0', ...short], {
      cwd: this.folder,
      env: this.environment,
      // A group of its own, so that npx and what it runs end together.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.broker = child;
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
    const ended = once(child, 'exit').then(() => {
      throw new Error(`npx odradek start ended: ${words}`);
    });
    const serving = (async () => {
      for await (const chunk of child.stdout) {
        words += String(chunk);
        const [, bootstrapServers, startMs] = LISTENS.exec(words) ?? [];
        if (bootstrapServers !== undefined) return { bootstrapServers, startMs: Number(startMs) };
      }
      throw new Error(`npx odradek start says nothing of a port: ${words}`);
    })();
    return Promise.race([serving, ended]);
  }

  async remove(): Promise<void> {
    const { broker } = this;
    if (broker?.pid !== undefined && broker.exitCode === null) {
      const ended = once(broker, 'exit');
      process.kill(-broker.pid, 'SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function pathOutside(directory: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return [dirname(process.execPath), ...folders.filter((each) => !each.startsWith(directory))].join(
    delimiter,
  );
}
