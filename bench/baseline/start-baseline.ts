import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../../interop/targets/target.ts';
import { freePort } from '../../scripts/free-port.ts';
import { cacheDirectory } from '../../scripts/kafka-jars.ts';

const host = '127.0.0.1';
const READY_TIMEOUT_MS = 5000;

/** Compiles receive.c with the machine's C compiler and starts it, pinned to `core` unless that is undefined. */
export async function startBaseline(core: number | undefined): Promise<Target> {
  const program = compile();
  const home = mkdtempSync(join(tmpdir(), 'odradek-baseline-'));
  const port = await freePort();
  const command = [program, String(port), join(home, 'log')];
  if (core !== undefined) command.unshift('taskset', '-c', String(core));
  const began = performance.now();
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (performance.now() > deadline) throw new Error('the baseline did not start');
    await sleep(5);
  }
  return {
    name: 'c-baseline',
    host,
    port,
    bootstrap: `${host}:${port}`,
    pid: child.pid!,
    startedInMs: performance.now() - began,
    kill: end,
    shutDown: end,
    startAgain: () => Promise.reject(new Error('the baseline keeps nothing to start again with')),
    async stop() {
      await end();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function compile(): string {
  mkdirSync(cacheDirectory, { recursive: true });
  const program = join(cacheDirectory, 'bench-baseline');
  const source = join(import.meta.dirname, 'receive.c');
  execFileSync('cc', ['-O2', '-msse4.2', '-o', program, source], { stdio: ['ignore', 'ignore', 'inherit'] });
  return program;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
