// What the drivers written in TypeScript share: the report lines of ../drive-client.ts and small checks.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs one scenario on a topic name of its own; answers a reason when the client has no such feature. */
export type RunScenario = (topic: string) => Promise<string | void>;

export async function runDriver(
  scenarios: (bootstrap: string) => Record<string, RunScenario | string>,
): Promise<void> {
  const [bootstrap = '', runId = '', names = ''] = process.argv.slice(2);
  const table = scenarios(bootstrap);
  for (const name of names.split(',')) {
    console.log(`@begin ${name}`);
    const run = table[name] ?? 'a scenario of the command-line tools';
    try {
      const absent = typeof run === 'string' ? run : await run(`${runId}-${name}`);
      console.log(`@result ${name} ${absent === undefined ? 'ok' : `na ${absent}`}`);
    } catch (error) {
      if (process.env['INTEROP_TRACE'] !== undefined) console.error(error);
      console.log(`@result ${name} fail ${shortened(String(error).replaceAll('\n', ' '))}`);
    }
  }
  process.exit(0);
}

/** Errors that gather what was tried say first and last what matters. */
function shortened(text: string): string {
  return text.length <= 400 ? text : `${text.slice(0, 200)} … ${text.slice(-200)}`;
}

/** Has the broker ended and started again; resolves when it answers. */
export function cycleBroker(how: string): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  return new Promise((resolve) => {
    lines.once('line', () => {
      lines.close();
      resolve();
    });
    console.log(`@broker ${how}`);
  });
}

export function check(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new Error(`expected ${expectation}`);
}

export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  const [got, want] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(got === want, `${what} ${want?.slice(0, 200)}, got ${got?.slice(0, 200)}`);
}

export async function waitUntil(
  what: string,
  seconds: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    check(Date.now() < deadline, `${what} within ${seconds} s`);
    await sleep(50);
  }
}

/** Pseudo-random digits: neither constant nor incompressible. */
export function text(seed: number, sizeBytes: number): string {
  let state = seed + 1;
  let result = '';
  while (result.length < sizeBytes) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    result += `${state % 1000} `;
  }
  return result.slice(0, sizeBytes);
}

export const timeBase = Date.now() - 3_600_000;
