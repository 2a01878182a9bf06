import type { Cell } from './drive-client.ts';

interface Named {
  readonly name: string;
}

const words = { ok: 'ok', fail: 'FAIL', na: 'n.a.' };

export function printTable(
  rows: readonly Named[],
  columns: readonly Named[],
  cells: ReadonlyMap<string, ReadonlyMap<string, Cell>>,
): void {
  const first = Math.max(...rows.map((row) => row.name.length));
  console.log('');
  console.log([''.padEnd(first), ...columns.map((column) => column.name)].join('  '));
  for (const row of rows) {
    const line = columns.map((column) => {
      const cell = cells.get(column.name)?.get(row.name);
      return (cell === undefined ? '?' : words[cell.outcome]).padEnd(column.name.length);
    });
    console.log([row.name.padEnd(first), ...line].join('  ').trimEnd());
  }
  console.log('');
}

/** Every failure with its reason, then each reason for an absent feature once per client. */
export function printReasons(cells: ReadonlyMap<string, ReadonlyMap<string, Cell>>): void {
  for (const [client, results] of cells) {
    for (const [scenario, cell] of results) {
      if (cell.outcome === 'fail') console.log(`FAIL ${client} ${scenario}: ${cell.reason.slice(0, 400)}`);
    }
  }
  for (const [client, results] of cells) {
    const byReason = new Map<string, string[]>();
    for (const [scenario, cell] of results) {
      if (cell.outcome === 'na') byReason.set(cell.reason, [...(byReason.get(cell.reason) ?? []), scenario]);
    }
    for (const [reason, names] of byReason) console.log(`n.a. ${client} ${names.join(', ')}: ${reason}`);
  }
}
