import { unitOf } from './metrics.ts';
import type { Row } from './rows.ts';
import type { Verdict } from './targets.ts';

/** Each figure of each experiment with the ratios, as Markdown. */
export function tableOf(rows: readonly Row[], peers: readonly string[]): string {
  const others = peers.slice(1);
  const head = ['workload', 'measured', 'unit', ...peers, ...others.map((peer) => `to ${peer}`), 'rounds'];
  const body = rows.map((row, index) => [
    rows[index - 1]?.workload === row.workload ? '' : `${row.workload}: ${row.title}`,
    row.metric,
    unitOf(row.metric).unit,
    ...peers.map((peer) => rounded(row.medians[peer])),
    ...others.map((peer) => row.ratios[peer]?.toFixed(2) ?? ''),
    String(row.rounds),
  ]);
  return aligned(head, body, 3);
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const body = verdicts.map(({ target, toReach, measured, verdict }) => [target, toReach, measured, verdict]);
  return aligned(['target', 'to reach', 'measured', ''], body, 4);
}

/** @param numbersFrom the first column whose cells stand to the right */
export function aligned(
  head: readonly string[],
  body: readonly (readonly string[])[],
  numbersFrom: number,
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...body.map((cells) => cells[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at < numbersFrom ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`;
  const rule = widths.map((width, at) =>
    at < numbersFrom ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...body.map(line)].join('\n');
}

export function rounded(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  if (Number.isInteger(value)) return String(value);
  return value.toPrecision(3);
}
