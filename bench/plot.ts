import { unitOf } from './metrics.ts';
import type { Row } from './report.ts';

const LABEL_WIDTH = 330;
const BAR_WIDTH = 420;
const ROW_HEIGHT = 22;
const HEADER_HEIGHT = 48;
/** Ratios beyond it end at the edge of the picture. */
const FACTOR_MAX = 10;
/** What the picture shows; the table has the rest. */
const PLOTTED = /^throughput$|p99$|^CPU per GB$|^start to|^idle memory$|^memory under load$/;

/**
 * A bar for each figure beside the first other peer, on a logarithmic scale: to the right means better than the
 * peer, to the left worse, whichever way the figure counts.
 */
export function plotOf(title: string, rows: readonly Row[]): string {
  const bars = rows.flatMap((row) => {
    const [peer] = Object.keys(row.ratios);
    const ratio = peer === undefined ? NaN : row.ratios[peer]!;
    if (!PLOTTED.test(row.metric) || !(ratio > 0) || !Number.isFinite(ratio)) return [];
    const gain = unitOf(row.metric).better === 'higher' ? ratio : 1 / ratio;
    return [{ label: `${row.workload}, ${row.metric}`, gain, peer: peer! }];
  });
  const width = LABEL_WIDTH + BAR_WIDTH + 70;
  const height = HEADER_HEIGHT + bars.length * ROW_HEIGHT + 10;
  const middle = LABEL_WIDTH + BAR_WIDTH / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="10" y="18" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    `<text x="10" y="36" fill="#555555">times better than ${escaped(bars[0]?.peer ?? '')} (right of the line), logarithmic</text>`,
    ...bars.map(({ label, gain }, index) => barOf(label, gain, HEADER_HEIGHT + index * ROW_HEIGHT, middle)),
    `<line x1="${middle}" y1="${HEADER_HEIGHT - 4}" x2="${middle}" y2="${height - 6}" stroke="#222222"/>`,
    '</svg>',
    '',
  ].join('\n');
}

function barOf(label: string, gain: number, y: number, middle: number): string {
  const bounded = Math.min(Math.max(gain, 1 / FACTOR_MAX), FACTOR_MAX);
  const length = (Math.log(bounded) / Math.log(FACTOR_MAX)) * (BAR_WIDTH / 2);
  const x = length < 0 ? middle + length : middle;
  const colour = gain >= 1 ? '#2f7d4f' : '#b5482f';
  const figureX = length < 0 ? middle + 6 : middle + length + 6;
  return [
    `<text x="10" y="${y + 14}">${escaped(label)}</text>`,
    `<rect x="${x.toFixed(1)}" y="${y + 3}" width="${Math.abs(length).toFixed(1)}" height="${ROW_HEIGHT - 8}" fill="${colour}"/>`,
    `<text x="${figureX.toFixed(1)}" y="${y + 14}">${gain.toPrecision(3)}</text>`,
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
