import assert from 'node:assert/strict';
import type { Target } from '../targets/target.ts';

/** Something that works with every Kafka. */
export interface Case {
  readonly name: string;
  /** An API that the case is about: brokers that do not serve it are passed over, and counted as such. */
  readonly needs?: { readonly key: number };
  /** Targets that say they serve that API, and then refuse. */
  readonly refusedBy?: readonly string[];
  /** @throws what is wrong */
  readonly run: (target: Target) => Promise<void>;
}

/** Waits for something to become true. @throws when it has not within `timeoutMs` */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 40_000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    assert.ok(performance.now() < deadlineMs, `not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
