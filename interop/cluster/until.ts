import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 100;

/** Looks again and again. @throws Error naming `what` when it is not so within `deadlineMs` */
export async function until(
  what: string,
  deadlineMs: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs / 1_000} s: ${what}`);
    await sleep(PAUSE_MS);
  }
}
