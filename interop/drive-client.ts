// Runs one driver program. It reports on its standard output, line by line:
//   @begin <scenario>                           the clock of the cell starts
//   @result <scenario> ok|fail|na [reason]      the clock of the cell ends
//   @broker kill|restart                        end the broker so and start it again; answered with an
//                                               empty line on the driver's standard input
// A cell that takes too long fails and costs its driver the life; the next one goes on with the rest.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { InteropClient } from './clients.ts';
import type { Target } from './targets/target.ts';

export interface Cell {
  outcome: 'ok' | 'fail' | 'na';
  reason: string;
  tookMs: number;
}

const CELL_TIMEOUT_MS = 100_000;

export async function driveClient(
  client: InteropClient,
  target: Target,
  scenarios: readonly string[],
  cellTimeoutMs = CELL_TIMEOUT_MS,
): Promise<Map<string, Cell>> {
  const cells = new Map<string, Cell>();
  const runId = `${client.name}-${Date.now().toString(36)}`;
  let command: string[];
  try {
    command = client.command();
  } catch (error) {
    for (const name of scenarios) cells.set(name, { outcome: 'fail', reason: String(error), tookMs: 0 });
    return cells;
  }
  let rest = [...scenarios];
  for (let round = 0; rest.length > 0; round++) {
    const once = [...command, target.bootstrap, `${runId}-${round}`, rest.join(',')];
    await driveOnce(once, target, cells, rest, cellTimeoutMs);
    const before = rest.length;
    rest = rest.filter((name) => !cells.has(name));
    if (rest.length === before) cells.set(rest.shift()!, { outcome: 'fail', reason: 'no result', tookMs: 0 });
  }
  return cells;
}

type Driver = ChildProcessByStdio<Writable, Readable, Readable>;

async function driveOnce(
  command: string[],
  target: Target,
  cells: Map<string, Cell>,
  scenarios: readonly string[],
  cellTimeoutMs: number,
): Promise<void> {
  const [program = '', ...args] = command;
  const driver: Driver = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let errors = '';
  let current: string | undefined = scenarios[0];
  let begin = performance.now();
  let timedOut = false;
  const expire = () => {
    timedOut = true;
    endDriver(driver);
  };
  let watchdog = setTimeout(expire, cellTimeoutMs);
  driver.stdin.on('error', () => {});
  driver.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000);
    if (process.env['INTEROP_TRACE'] !== undefined) process.stderr.write(chunk);
  });
  const lines = createInterface({ input: driver.stdout });
  lines.on('line', (line) => {
    if (process.env['INTEROP_TRACE'] !== undefined) console.log(line);
    const [word, name = '', outcome, ...reason] = line.split(' ');
    if (word === '@begin') {
      current = name;
      begin = performance.now();
      clearTimeout(watchdog);
      watchdog = setTimeout(expire, cellTimeoutMs);
    } else if (word === '@result') {
      cells.set(name, {
        outcome: outcome === 'ok' || outcome === 'na' ? outcome : 'fail',
        reason: reason.join(' '),
        tookMs: performance.now() - begin,
      });
      current = undefined;
    } else if (word === '@broker') {
      void cycleBroker(target, name).then(
        () => driver.stdin.write('\n'),
        (error: unknown) => {
          errors += String(error);
          endDriver(driver);
        },
      );
    }
  });
  const spawned = await new Promise<string | undefined>((resolve) => {
    driver.once('error', (error) => resolve(error.message));
    driver.once('close', () => resolve(undefined));
  });
  clearTimeout(watchdog);
  if (current !== undefined && !cells.has(current)) {
    const reason = spawned ?? (timedOut ? `no result in ${cellTimeoutMs / 1000} s` : 'the driver died');
    cells.set(current, {
      outcome: 'fail',
      reason: `${reason} ${lastLine(errors)}`,
      tookMs: performance.now() - begin,
    });
  }
}

async function cycleBroker(target: Target, how: string): Promise<void> {
  if (how === 'kill') await target.kill();
  else await target.shutDown();
  await target.startAgain();
}

/** The driver and what it started: it leads a process group of its own. */
function endDriver(driver: Driver): void {
  if (driver.pid === undefined || driver.exitCode !== null) return;
  try {
    process.kill(-driver.pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}
