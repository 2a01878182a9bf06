import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { medianOf, unitOf, type Metrics } from './metrics.ts';
import type { Peer } from './peers.ts';
import { plotOf } from './plot.ts';
import { goals } from './targets.ts';
import type { Workload } from './workloads.ts';

export interface Measured {
  readonly workload: string;
  readonly peer: string;
  readonly round: number;
  readonly metrics: Metrics;
}

export interface Row {
  readonly workload: string;
  readonly title: string;
  readonly metric: string;
  /** Medians over the rounds, by peer. */
  readonly medians: Readonly<Record<string, number>>;
  /** By other peer: the median of (first peer / other peer) within each round. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly goal: string;
}

export interface Surroundings {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly pinning: string;
  readonly measureMs: number;
}

/** The first peer is what is being judged; the others are what it is held against. */
export function rowsOf(
  measured: readonly Measured[],
  workloads: readonly Workload[],
  peers: readonly Peer[],
): Row[] {
  return workloads.flatMap((workload) => {
    const own = measured.filter((each) => each.workload === workload.name);
    const metrics = [...new Set(own.flatMap((each) => Object.keys(each.metrics)))];
    return metrics.map((metric) => rowOf(own, workload, metric, peers));
  });
}

function rowOf(
  measured: readonly Measured[],
  workload: Workload,
  metric: string,
  peers: readonly Peer[],
): Row {
  const byRound = (peer: string): Map<number, number> =>
    new Map(
      measured.filter((each) => each.peer === peer).map((each) => [each.round, each.metrics[metric] ?? NaN]),
    );
  const [judged, ...others] = peers.map(({ name }) => ({ name, values: byRound(name) }));
  const medians = Object.fromEntries(
    [judged!, ...others]
      .filter(({ values }) => values.size > 0)
      .map(({ name, values }) => [name, medianOf([...values.values()])]),
  );
  const ratios = Object.fromEntries(
    others
      .filter(({ values }) => values.size > 0)
      .map(({ name, values }) => {
        const shared = [...judged!.values].filter(([round]) => values.has(round));
        return [name, medianOf(shared.map(([round, value]) => value / values.get(round)!))];
      }),
  );
  const value = medians[judged!.name]!;
  return {
    workload: workload.name,
    title: workload.title,
    metric,
    medians,
    ratios,
    goal: judge(workload.name, metric, value, ratios),
  };
}

function judge(
  workload: string,
  metric: string,
  value: number,
  ratios: Readonly<Record<string, number>>,
): string {
  const goal = goals.find((each) => each.workload.test(workload) && each.metric.test(metric));
  if (goal === undefined) return '';
  const { unit, better } = unitOf(metric);
  const word = better === 'higher' ? 'at least' : 'at most';
  const verdict = (actual: number, bound: number): string => {
    const reached = better === 'higher' ? actual >= bound : actual <= bound;
    return reached ? 'reached' : `missed by ${Math.round(Math.abs(actual / bound - 1) * 100)} %`;
  };
  const parts: string[] = [];
  if (goal.absolute !== undefined) {
    parts.push(`${word} ${goal.absolute} ${unit}: ${verdict(value, goal.absolute)}`);
  }
  const peer = Object.keys(ratios).find((name) => name.startsWith('kafka-'));
  if (goal.ratio !== undefined && peer !== undefined) {
    parts.push(`ratio to ${peer} ${word} ${goal.ratio}: ${verdict(ratios[peer]!, goal.ratio)}`);
  }
  return parts.join('; ');
}

/** Writes results/NAME.json, .md and .svg. @returns the table */
export function writeReport(
  name: string,
  measured: readonly Measured[],
  rows: readonly Row[],
  around: Surroundings,
): string {
  const directory = join(import.meta.dirname, 'results');
  mkdirSync(directory, { recursive: true });
  const facts = factsOf(around);
  const table = tableOf(rows, around.peers);
  const text = [`# ${name}`, '', ...facts.map(([key, value]) => `- ${key}: ${value}`), '', table, ''].join(
    '\n',
  );
  const json = { name, ...Object.fromEntries(facts), rows, measured };
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(json, null, 1)}\n`);
  writeFileSync(join(directory, `${name}.md`), text);
  writeFileSync(join(directory, `${name}.svg`), plotOf(name, rows));
  return table;
}

export function tableOf(rows: readonly Row[], peers: readonly Peer[]): string {
  const others = peers.slice(1).map((peer) => peer.name);
  const head = [
    'workload',
    'measured',
    'unit',
    ...peers.map((peer) => peer.name),
    ...others.map((name) => `ratio to ${name}`),
    'to reach',
  ];
  const body = rows.map((row, index) => [
    rows[index - 1]?.workload === row.workload ? '' : `${row.workload}: ${row.title}`,
    row.metric,
    unitOf(row.metric).unit,
    ...peers.map((peer) => rounded(row.medians[peer.name])),
    ...others.map((name) => (Number.isFinite(row.ratios[name]) ? row.ratios[name]!.toFixed(2) : '')),
    row.goal,
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...body.map((cells) => cells[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column > 2 && column < head.length - 1 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

function rounded(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}

function factsOf({ peers, rounds, pinning, measureMs }: Surroundings): [string, string][] {
  const processors = cpus();
  return [
    ['date', new Date().toISOString().slice(0, 16)],
    ['commit', said('git', ['rev-parse', '--short', 'HEAD'])],
    [
      'machine',
      `${processors.length} cores ${processors[0]?.model ?? ''}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}`,
    ],
    // Of what else ran meanwhile: well above 2, times say little, and processor time per GB still does.
    [
      'load average at the end',
      loadavg()
        .map((load) => load.toFixed(1))
        .join(', '),
    ],
    ['runtime', `Node.js ${process.version}; ${said('java', ['-version']).split('\n')[0] ?? ''}`],
    ...peers.map((peer): [string, string] => [peer.name, peer.setUp]),
    ['pinning', pinning],
    [
      'rounds',
      `${rounds}, the peers in turn within each; ${measureMs / 1000} s per load and peer; medians, and medians of the ratios within a round`,
    ],
  ];
}

function said(command: string, args: readonly string[]): string {
  try {
    // Java tells its version where errors go.
    return execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', command, ...args], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
