import { medianOf, type Metrics } from './metrics.ts';

/** What is measured: a line of the table for each of its figures. */
export interface Experiment {
  readonly name: string;
  readonly title: string;
  /** What is varied in it: a heading of the table and of the picture. */
  readonly group: string;
}

export interface Measured {
  readonly workload: string;
  readonly peer: string;
  readonly round: number;
  readonly metrics: Metrics;
}

export interface Row {
  readonly workload: string;
  readonly title: string;
  readonly group: string;
  readonly metric: string;
  /** Medians over the rounds, by peer. */
  readonly medians: Readonly<Record<string, number>>;
  /** By other peer: the median of (first peer / other peer) within each round. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Rounds of the first peer. */
  readonly rounds: number;
}

/**
 * The medians of all that was measured, in the order of the experiments.
 *
 * @param peers the first is what is being judged; the others are what it is held against
 */
export function rowsOf(
  measured: readonly Measured[],
  experiments: readonly Experiment[],
  peers: readonly string[],
): Row[] {
  return experiments.flatMap((experiment) => {
    const own = measured.filter((each) => each.workload === experiment.name);
    const metrics = [...new Set(own.flatMap((each) => Object.keys(each.metrics)))];
    return metrics.map((metric) => rowOf(own, experiment, metric, peers));
  });
}

function rowOf(
  measured: readonly Measured[],
  { name, title, group }: Experiment,
  metric: string,
  peers: readonly string[],
): Row {
  const valuesOf = (peer: string): Map<number, number> =>
    new Map(
      measured
        .filter((each) => each.peer === peer && Number.isFinite(each.metrics[metric]))
        .map((each) => [each.round, each.metrics[metric]!]),
    );
  const byPeer = new Map(peers.map((peer) => [peer, valuesOf(peer)]));
  const [judged = '', ...others] = peers;
  const own = byPeer.get(judged)!;
  const medians: Record<string, number> = {};
  for (const [peer, values] of byPeer) {
    if (values.size > 0) medians[peer] = medianOf([...values.values()]);
  }
  const ratios: Record<string, number> = {};
  for (const other of others) {
    const values = byPeer.get(other)!;
    const shared = [...own].filter(([round]) => (values.get(round) ?? 0) > 0);
    if (shared.length > 0) {
      ratios[other] = medianOf(shared.map(([round, value]) => value / values.get(round)!));
    }
  }
  return { workload: name, title, group, metric, medians, ratios, rounds: own.size };
}
