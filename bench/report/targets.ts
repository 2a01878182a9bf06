import { unitOf } from './metrics.ts';
import type { Row } from './rows.ts';

/** What is to be reached. */
export interface Target {
  readonly workload: string;
  readonly metric: string;
  /** The peer whose ratio counts; absent: the figure itself, in its unit. */
  readonly beside?: string;
  readonly bound: number;
  /** Why it is missed, where that is known. */
  readonly whenMissed?: string;
}

export interface Verdict {
  readonly target: string;
  readonly toReach: string;
  readonly measured: string;
  readonly verdict: string;
}

/** One line per target. At least `bound` is to be reached by what should be high, at most by what should be low. */
export function verdictsOf(targets: readonly Target[], rows: readonly Row[], judged: string): Verdict[] {
  return targets.map((target) => {
    const row = rows.find(({ workload, metric }) => workload === target.workload && metric === target.metric);
    const { unit, better } = unitOf(target.metric);
    const [word, isReached] =
      better === 'higher'
        ? (['at least', (value: number) => value >= target.bound] as const)
        : (['at most', (value: number) => value <= target.bound] as const);
    const isRatio = target.beside !== undefined;
    const value = isRatio ? row?.ratios[target.beside!] : row?.medians[judged];
    const missedBy =
      value === undefined ? '' : `missed by ${Math.round(Math.abs(value / target.bound - 1) * 100)} %`;
    return {
      target: `${target.workload}: ${target.metric}`,
      toReach: isRatio
        ? `${word} ${target.bound} times ${target.beside}`
        : `${word} ${target.bound}${unit === '' ? '' : ` ${unit}`}`,
      measured: value === undefined ? 'not measured' : value.toPrecision(3),
      verdict:
        value === undefined
          ? ''
          : isReached(value)
            ? 'reached'
            : [missedBy, target.whenMissed].filter(Boolean).join(': '),
    };
  });
}
