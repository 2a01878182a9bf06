/** Of load, the throughput of which is compared. */
const WINDOW_MS = 5_000;
/** Windows in a row that must not bring more than the best one before, by this factor. */
const STEADY_WINDOWS = 3;
const GAIN = 1.1;
const LONGEST_MS = 120_000;

export interface WarmUp {
  readonly seconds: number;
  /** Throughput of each window. */
  readonly rates: readonly number[];
}

/**
 * Repeats a load until it brings hardly more, two minutes at most unless told otherwise: a compiler that shares one core
 * with what it compiles takes far longer than a start.
 */
export async function untilSettled(
  load: (windowMs: number) => Promise<number>,
  longestMs = LONGEST_MS,
): Promise<WarmUp> {
  const began = performance.now();
  const elapsedMs = () => performance.now() - began;
  const rates: number[] = [];
  let best = 0;
  let steady = 0;
  while (steady < STEADY_WINDOWS && elapsedMs() < longestMs) {
    const rate = await load(WINDOW_MS);
    rates.push(rate);
    steady = rate > best * GAIN ? 0 : steady + 1;
    best = Math.max(best, rate);
  }
  return { seconds: elapsedMs() / 1000, rates };
}
