import type { Results } from './report/results.ts';

/** One look at one thing, by all peers in turn. */
export interface Step {
  readonly workload: string;
  readonly round: number;
  /** Those that can run it. */
  readonly peers: readonly string[];
  run(peer: string): Promise<Record<string, number>>;
}

/**
 * Takes the steps one after the other until the time is over, and leaves out what earlier results hold. Within a step
 * the peers take turns, and the order changes from round to round: what else the machine does hits all alike. What
 * fails for one peer is noted and keeps nobody else from going on.
 *
 * @param deadlineMs of `performance.now()`: no step begins later
 */
export async function runSteps(steps: readonly Step[], deadlineMs: number, results: Results): Promise<void> {
  for (const step of steps) {
    const { workload, round } = step;
    const open = step.peers.filter((peer) => !results.has(workload, peer, round));
    if (open.length > 0 && performance.now() > deadlineMs) {
      results.noteSkipped(`${workload} (round ${round + 1})`);
      continue;
    }
    for (const peer of round % 2 === 0 ? open : open.toReversed()) {
      try {
        results.note({ workload, peer, round, metrics: await step.run(peer) });
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        results.noteFailure({ workload, peer, round, error: words });
      }
    }
  }
}
