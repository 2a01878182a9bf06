// Java programs as processes of their own: started, waited for, ended.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const host = '127.0.0.1';
const readyTimeoutMs = 90_000;

export const commonJvm = ['-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
/** Compile with the first tier only: starts faster, runs slower. */
export const quickStartJvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const log4jProperties = `log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
`;

export interface JavaProgram {
  /** Where its log and its log's settings lie. */
  home: string;
  logName: string;
  classPath: string;
  jvm: readonly string[];
  /** Main class and its arguments. */
  args: readonly string[];
  /** The core that it is pinned to (Linux taskset). */
  core?: number | undefined;
}

/** Starts it detached from us. @returns its process id */
export function startJava({ home, logName, classPath, jvm, args, core }: JavaProgram): number {
  writeFileSync(join(home, 'log4j.properties'), log4jProperties);
  const log = openSync(join(home, logName), 'a');
  const logConfig = `-Dlog4j.configuration=file:${join(home, 'log4j.properties')}`;
  const command = [
    'java',
    ...commonJvm,
    ...jvm,
    logConfig,
    `-Dkafka.logs.dir=${home}`,
    '-cp',
    classPath,
    ...args,
  ];
  if (core !== undefined) command.unshift('taskset', '-c', String(core));
  const [program = 'java', ...rest] = command;
  // Detached: a Ctrl-C at the terminal reaches us first, and the command form outlives its shell.
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', log, log] });
  child.unref();
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${program} could not be started: is it installed?`);
  return child.pid;
}

/** A properties file. */
export function writeProperties(file: string, properties: Record<string, string>): void {
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
}

/** Waits until it answers; throws with its log when it dies first. */
export async function ready(pid: number, answers: () => Promise<boolean>, logFile: string): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (Date.now() < deadline) {
    if (await answers()) return;
    if (!isAlive(pid)) throw new Error(`the process died:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
    await sleep(25);
  }
  throw new Error(`no answer after ${readyTimeoutMs} ms:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
}

/** Whether somebody listens there. */
export function portOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie still answers signal 0; its own parent may be a shell that never waits.
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone.
  }
}

export async function ended(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(20);
}
