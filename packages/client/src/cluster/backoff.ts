import type { ClientEnvironment } from '../ports/environment.ts';

/** How long to wait before trying again. */
export interface BackoffOptions {
  /** Before the second attempt, milliseconds. */
  readonly initialMs: number;
  /** However often it failed, milliseconds. */
  readonly maxMs: number;
}

const GROWTH = 2;
/** Spread around the computed delay, so that many clients do not come back at once (KIP-580). */
const JITTER = 0.2;

/** The delay after `failures` failed attempts in a row (1 or more), milliseconds. */
export function backoffMs(
  options: BackoffOptions,
  failures: number,
  random: ClientEnvironment['random'],
): number {
  const base = Math.min(options.initialMs * GROWTH ** Math.max(failures - 1, 0), options.maxMs);
  return base * (1 - JITTER + 2 * JITTER * random.fraction());
}

export function delay(environment: ClientEnvironment, delayMs: number): Promise<void> {
  return new Promise((resolve) => void environment.timers.after(delayMs, resolve));
}
