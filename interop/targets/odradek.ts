// Odradek as its users start it: a process of its own, over real files in a temporary folder.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/free-port.ts';
import { brokerAnswers } from '../../scripts/kafka.ts';
import { projectDirectory } from '../../scripts/kafka-jars.ts';
import type { Target, TargetOptions } from './target.ts';

const host = '127.0.0.1';
const readyTimeoutMs = 90_000;

export async function startOdradek(options: TargetOptions): Promise<Target> {
  const home = mkdtempSync(join(tmpdir(), 'odradek-interop-'));
  const logFile = join(home, 'broker.log');
  const port = options.port ?? (await freePort());
  const settings: Record<string, string> = {
    listeners: `PLAINTEXT://${host}:${port}`,
    'log.dirs': join(home, 'data'),
    'offsets.topic.num.partitions': '5',
    'group.initial.rebalance.delay.ms': '0',
    ...options.overrides,
  };
  let broker: ChildProcess | undefined;
  let startedInMs = 0;

  const startAgain = async () => {
    const begin = performance.now();
    broker = spawnBroker(settings, logFile, options.core);
    await untilReady(broker, port, logFile);
    startedInMs = performance.now() - begin;
  };
  const end = async (signal: NodeJS.Signals) => {
    if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return;
    const exit = once(broker, 'exit');
    broker.kill(signal);
    await exit;
  };
  const stop = async () => {
    await end('SIGKILL');
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await startAgain();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: 'odradek',
    host,
    port,
    bootstrap: `${host}:${port}`,
    get pid() {
      return broker?.pid ?? 0;
    },
    get startedInMs() {
      return startedInMs;
    },
    kill: () => end('SIGKILL'),
    shutDown: () => end('SIGTERM'),
    startAgain,
    stop,
  };
}

function spawnBroker(
  settings: Record<string, string>,
  logFile: string,
  core: number | undefined,
): ChildProcess {
  const log = openSync(logFile, 'a');
  const overrides = Object.entries(settings).flatMap(([name, value]) => ['--override', `${name}=${value}`]);
  const main = join(projectDirectory, 'packages/cli/bin/odradek.js');
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', main, 'start', ...overrides];
  if (core !== undefined) command.unshift('taskset', '-c', String(core));
  const [program = 'node', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

async function untilReady(broker: ChildProcess, port: number, logFile: string): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (!(await brokerAnswers(port))) {
    const dead = broker.exitCode !== null || broker.signalCode !== null;
    if (dead || Date.now() > deadline) {
      const state = dead ? 'died' : `gave no answer in ${readyTimeoutMs} ms`;
      throw new Error(`Odradek ${state}:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
    }
    await sleep(5);
  }
}
