import { unitOf } from './metrics.ts';
import type { Row } from './rows.ts';

/** What the picture shows; the table has the rest. */
const PLOTTED =
  /^throughput|end to end, p99$|^p99$|^CPU per |^start |^idle memory$|^recovered$|^without a leader|, s$|^until /;

/** Of a letter, about. */
const LETTER_WIDTH = 6.4;
const LABEL_WIDTH_MIN = 240;
const SCALE_WIDTH = 400;
const FIGURE_WIDTH = 92;
const EDGE = 16;
const ROW_HEIGHT = 20;
const GROUP_HEIGHT = 28;
const HEADER_HEIGHT = 84;
/** Factors beyond it stand at the edge of the picture; their figures are written beside. */
const FACTOR_MAX = 20;
const TICKS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20];

const STYLE = `
  svg { --ink: #1c2430; --soft: #5b6675; --line: #d8dde4; --ground: #ffffff; --p0: #1f6fb5; --p1: #b3541e; --p2: #6a7280; --p3: #2f7d4f; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e7ebf0; --soft: #9aa6b5; --line: #36404d; --ground: #14181f; --p0: #6fb1f2; --p1: #f0a06a; --p2: #a7b0bd; --p3: #7cc79a; }
  }
  text { fill: var(--ink); font: 12px sans-serif; }
  .title { font-size: 15px; font-weight: bold; }
  .group { font-weight: bold; }
  .soft { fill: var(--soft); }
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  .tick { stroke: var(--line); }
  .even { stroke: var(--soft); stroke-width: 1.5; }
  .ground { fill: var(--ground); }
  .p0 { fill: var(--p0); }
  .p1 { fill: var(--ground); stroke: var(--p1); stroke-width: 2; }
  .p2 { fill: var(--p2); }
  .p3 { fill: var(--p3); }
  .p4 { fill: var(--ground); stroke: var(--soft); stroke-width: 2; }
  .f0 { fill: var(--p0); } .f1 { fill: var(--p1); } .f2 { fill: var(--p2); } .f3 { fill: var(--p3); } .f4 { fill: var(--soft); }
`;

/** Where things stand from left to right. */
interface Columns {
  /** Where the scale begins. */
  readonly scaleX: number;
  /** Where the figures of a peer end. */
  figureX(index: number): number;
}

interface Line {
  readonly label: string;
  readonly group: string;
  /** How many times better than each peer; absent where it was not compared. */
  readonly gains: readonly (number | undefined)[];
}

/**
 * How many times better than each of the others the first peer is, one line per figure, on a logarithmic scale:
 * to the right of 1 means better, whichever way the figure counts. For light and dark pages.
 */
export function plotOf(title: string, rows: readonly Row[], peers: readonly string[]): string {
  const others = peers.slice(1).filter((peer) => rows.some(({ ratios }) => ratios[peer] !== undefined));
  const lines = rows.filter((row) => PLOTTED.test(row.metric)).flatMap((row) => lineOf(row, others));
  const columns = columnsFor(lines);
  const body: string[] = [];
  let y = HEADER_HEIGHT;
  let group = '';
  for (const line of lines) {
    if (line.group !== group) {
      group = line.group;
      body.push(text(EDGE, y + 19, 'group', group));
      y += GROUP_HEIGHT;
    }
    body.push(...drawn(line, y, columns));
    y += ROW_HEIGHT;
  }
  const width = columns.figureX(others.length - 1) + 8 + EDGE;
  const height = y + EDGE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    text(EDGE, 24, 'title', title),
    text(
      EDGE,
      44,
      'soft',
      `How many times better than the other: right of 1 ${peers[0] ?? ''} is ahead. Medians of ratios, logarithmic.`,
    ),
    ...others.flatMap((peer, index) => legendOf(peer, index, columns)),
    ...TICKS.flatMap((factor) => tickOf(factor, y, columns)),
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function lineOf(row: Row, others: readonly string[]): Line[] {
  const isHigherBetter = unitOf(row.metric).better === 'higher';
  const gains = others.map((peer) => {
    const ratio = row.ratios[peer];
    if (ratio === undefined || !(ratio > 0)) return undefined;
    return isHigherBetter ? ratio : 1 / ratio;
  });
  if (gains.every((gain) => gain === undefined)) return [];
  return [{ label: `${row.workload}: ${row.metric}`, group: row.group, gains }];
}

function drawn({ label, gains }: Line, y: number, columns: Columns): string[] {
  const middle = y + ROW_HEIGHT / 2;
  const marks = gains.flatMap((gain, index) =>
    gain === undefined ? [] : [markOf(index, scaled(gain, columns), middle)],
  );
  const figures = gains.flatMap((gain, index) =>
    gain === undefined ? [] : [text(columns.figureX(index), middle + 4, `end f${index}`, figureOf(gain))],
  );
  // The first peer's mark last, so that it is never hidden.
  return [text(EDGE + 10, middle + 4, '', label), ...marks.toReversed(), ...figures];
}

function figureOf(gain: number): string {
  return gain >= 100 ? gain.toFixed(0) : gain.toPrecision(gain < 1 ? 2 : 3);
}

/** A filled circle, a hollow diamond, a square, a bar: told apart without their colours, too. */
function markOf(index: number, at: number, y: number): string {
  const x = at.toFixed(1);
  if (index === 0) return `<circle class="p0" cx="${x}" cy="${y}" r="5"/>`;
  if (index === 3)
    return `<rect class="p3" x="${(Number(x) - 2).toFixed(1)}" y="${y - 6}" width="4" height="12"/>`;
  const turn = index === 1 ? ` transform="rotate(45 ${x} ${y})"` : '';
  return `<rect class="p${index}" x="${(Number(x) - 4).toFixed(1)}" y="${y - 4}" width="8" height="8"${turn}/>`;
}

function legendOf(peer: string, index: number, { figureX }: Columns): string[] {
  const x = figureX(index);
  return [text(x, 62, `end f${index}`, peer), markOf(index, x - 6, 74)];
}

function tickOf(factor: number, bottom: number, columns: Columns): string[] {
  const x = scaled(factor, columns).toFixed(1);
  return [
    `<line class="${factor === 1 ? 'even' : 'tick'}" x1="${x}" x2="${x}" y1="${HEADER_HEIGHT}" y2="${bottom}"/>`,
    text(x, 74, 'soft middle', String(factor)),
  ];
}

function scaled(factor: number, { scaleX }: Columns): number {
  const bounded = Math.min(Math.max(factor, 1 / FACTOR_MAX), FACTOR_MAX);
  return scaleX + SCALE_WIDTH / 2 + (Math.log(bounded) / Math.log(FACTOR_MAX)) * (SCALE_WIDTH / 2);
}

function columnsFor(lines: readonly Line[]): Columns {
  const longest = Math.max(0, ...lines.map(({ label }) => label.length));
  const scaleX = Math.ceil(Math.max(LABEL_WIDTH_MIN, EDGE + 40 + longest * LETTER_WIDTH));
  return { scaleX, figureX: (index) => scaleX + SCALE_WIDTH + 24 + (index + 1) * FIGURE_WIDTH - 8 };
}

function text(x: number | string, y: number, classes: string, words: string): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" class="${classes}">${escaped}</text>`;
}
