import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';

/** PostgreSQL refuses to run as root; nobody owns nothing. */
const NOBODY = 65_534;
const START_DEADLINE_MS = 30_000;

/** A server of another maker, in a directory of its own, gone with `stop`. */
export interface RealStore {
  readonly port: number;
  stop(): Promise<void>;
}

/** PostgreSQL with a user `odradek` that needs no password. @throws Error when it is not installed */
export async function startPostgres(): Promise<RealStore> {
  const initdb = globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().at(-1);
  if (initdb === undefined) throw new Error('PostgreSQL is not installed: npm run interop:install');
  const directory = temporaryDirectory('postgres');
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if ('uid' in identity) chownSync(directory, NOBODY, NOBODY);
  const data = join(directory, 'data');
  const args = ['-D', data, '-U', 'odradek', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  const made = spawnSync(initdb, args, { ...identity, encoding: 'utf8', cwd: directory });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  // Nobody kills the server here: what it wrote stays.
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'fsync=off', 'max_connections=100'];
  const child = spawn(
    join(dirname(initdb), 'postgres'),
    ['-D', data, '-k', directory, ...settings.flatMap((setting) => ['-c', setting])],
    { ...identity, cwd: directory, stdio: 'ignore' },
  );
  const asks = ['-q', '-h', '127.0.0.1', '-p', String(port)];
  const isReady = (): boolean => spawnSync(join(dirname(initdb), 'pg_isready'), asks).status === 0;
  return running({ child, port, directory, isReady, signal: 'SIGQUIT' });
}

/** Redis without persistence. @throws Error when it is not installed */
export async function startRedis(settings: readonly string[] = []): Promise<RealStore> {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    throw new Error('Redis is not installed: npm run interop:install');
  }
  const directory = temporaryDirectory('redis');
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory, ...settings];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  return running({ child, port, directory, isReady: () => accepts(port), signal: 'SIGTERM' });
}

interface StartedStore {
  readonly child: ChildProcess;
  readonly port: number;
  readonly directory: string;
  readonly isReady: () => boolean | Promise<boolean>;
  readonly signal: NodeJS.Signals;
}

async function running({ child, port, directory, isReady, signal }: StartedStore): Promise<RealStore> {
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    rmSync(directory, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!(await isReady())) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error(`${child.spawnfile} does not listen on ${port}`);
    }
    await sleep(50);
  }
  return { port, stop };
}

function temporaryDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `odradek-${name}-`));
  chmodSync(directory, 0o700);
  return directory;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
