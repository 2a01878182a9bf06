// Runs every scenario through every client against one broker and prints the table.
//   npx node interop/run.ts --target odradek|kafka-3.9|kafka-4.4 [--client a,b] [--scenario a,b]
// A cell is "ok", "FAIL" with a reason, or "n.a." where the client has no such feature.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { closeWith } from './closing-line.ts';
import { clients } from './clients.ts';
import { driveClient, type Cell } from './drive-client.ts';
import { printReasons, printTable } from './print-table.ts';
import { scenarios } from './scenarios.ts';
import { parseTargetName, startTarget } from './targets/start-target.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: 'odradek' },
      client: { type: 'string' },
      scenario: { type: 'string' },
    },
  });
  const chosenClients = choose('client', clients, values.client);
  const chosenScenarios = choose('scenario', scenarios, values.scenario);
  const begin = performance.now();
  const target = await startTarget(parseTargetName(values.target), {
    quickStart: true,
    overrides: { 'group.min.session.timeout.ms': '1000' },
  });
  console.log(`${target.name} answers on ${target.bootstrap} after ${Math.round(target.startedInMs)} ms`);
  const cells = new Map<string, Map<string, Cell>>();
  try {
    for (const client of chosenClients) {
      const clientBegin = performance.now();
      const names = chosenScenarios.map((scenario) => scenario.name);
      const results = await driveClient(client, target, names);
      cells.set(client.name, results);
      const failed = [...results.values()].filter((cell) => cell.outcome === 'fail').length;
      console.log(
        `${client.name}: ${failed === 0 ? 'no failure' : `${failed} failed`}, ${seconds(clientBegin)} s`,
      );
    }
  } finally {
    await target.stop();
  }
  printTable(chosenScenarios, chosenClients, cells);
  printReasons(cells);
  const outcomes = [...cells.values()].flatMap((results) =>
    [...results.values()].map((cell) => cell.outcome),
  );
  const failed = outcomes.filter((outcome) => outcome === 'fail').length;
  console.log(`against ${target.name}, ${seconds(begin)} s`);
  closeWith(outcomes.filter((outcome) => outcome === 'ok').length, failed);
}

function choose<T extends { name: string }>(kind: string, all: readonly T[], names: string | undefined): T[] {
  if (names === undefined) return [...all];
  return names.split(',').map((name) => {
    const found = all.find((item) => item.name === name);
    if (found !== undefined) return found;
    throw new Error(`${kind} ${name} is not known: there are ${all.map((item) => item.name).join(', ')}`);
  });
}

function seconds(begin: number): string {
  return ((performance.now() - begin) / 1000).toFixed(1);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main();
}
