import type { Outcome } from '../outcome.ts';
import type { Fault } from './fault.ts';

/**
 * A run that fails in the same way as another, with as few of its faults as that takes.
 *
 * @param play runs with these faults, in their order
 */
export async function shortestFailure(
  failed: Outcome,
  play: (faults: readonly Fault[]) => Promise<Outcome>,
): Promise<Outcome> {
  const [{ name: wanted }] = failed.problems as [Outcome['problems'][number]];
  let shortest = failed;
  await shrinkFaults(failed.faults, async (fewer) => {
    const outcome = await play(fewer);
    if (!outcome.problems.some(({ name }) => name === wanted)) return false;
    shortest = outcome;
    return true;
  });
  return shortest;
}

/**
 * The fewest faults found that still make a run fail: halves are dropped first, then single ones, until none can be
 * spared any more.
 *
 * @param fails runs with these faults, in their order
 */
export async function shrinkFaults(
  faults: readonly Fault[],
  fails: (faults: readonly Fault[]) => Promise<boolean>,
): Promise<readonly Fault[]> {
  let left = faults;
  let size = Math.ceil(left.length / 2);
  while (size >= 1 && left.length > 0) {
    let isSmaller = false;
    for (let at = 0; at < left.length;) {
      const fewer = [...left.slice(0, at), ...left.slice(at + size)];
      if (await fails(fewer)) {
        left = fewer;
        isSmaller = true;
      } else at += size;
    }
    if (size === 1 && !isSmaller) break;
    size = Math.max(1, Math.floor(size / 2));
  }
  return left;
}
