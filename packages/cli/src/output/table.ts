import { styleText } from 'node:util';
import type { Terminal } from '../terminal.ts';

export type Cell = string | number | null;

const GAP = '  ';
const NOTHING = '-';

/** Columns of equal width for people; numbers to the right, headings bold on a terminal. */
export function tableText(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  terminal: Terminal,
): string {
  const texts = rows.map((row) => row.map(cellText));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...texts.map((row) => row[column]!.length)),
  );
  const isNumeric = headings.map(
    (_, column) =>
      rows.some((row) => typeof row[column] === 'number') &&
      rows.every((row) => typeof row[column] !== 'string'),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column]!;
        return isNumeric[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(GAP)
      .trimEnd();
  const top = line(headings);
  const shownTop = isColourful(terminal) ? styleText('bold', top, { validateStream: false }) : top;
  return `${[shownTop, ...texts.map(line)].join('\n')}\n`;
}

/** One JSON document, for machines. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function isColourful(terminal: Terminal): boolean {
  return terminal.stdout.isTTY === true && terminal.env['NO_COLOR'] === undefined;
}

/** Control characters in what others named could change what the reader sees. */
function cellText(cell: Cell): string {
  if (cell === null || cell === '') return NOTHING;
  return String(cell).replaceAll(/\p{Cc}/gu, '\uFFFD');
}
