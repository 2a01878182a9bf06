// A cluster of real processes, each on a host of its own (network namespaces), hurt in many ways under load; at the
// end everything that clients did and saw is judged. Needs root, iproute2, Java and libfaketime.
//   npm run test:cluster [-- part of a scenario's name] [--minutes 30] [--seed 7] [--brokers 5]
// Each scenario once, in a fixed order, or by chance until the minutes are over.
import { appendFileSync, cpSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import { closeWith } from '../closing-line.ts';
import { clockFault } from './broker-node.ts';
import { OwnClients, type LoadReport } from './load.ts';
import { networkFault } from './network.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { VerifiableClients } from './verifiable-clients.ts';
import { World } from './world.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    brokers: { type: 'string', default: '4' },
  },
});
const [part = ''] = positionals;
const brokerCount = wholeNumber('brokers', values.brokers, 4, 5);
const wanted = SCENARIOS.filter(({ name }) => name.includes(part));
if (wanted.length === 0)
  throw new Error(`${part}: there are ${SCENARIOS.map(({ name }) => name).join(', ')}`);

const missing = [networkFault(), clockFault()].filter((fault) => fault !== null);
if (missing.length > 0) {
  console.log(`NOT RUN: ${missing.join('; ')}`);
  process.exit(process.env['CI'] === undefined ? 0 : 1);
}

console.log(`3 ZooKeeper servers and ${brokerCount} brokers`);
const world = new World(brokerCount);
process.once('exit', () => world.removeNow());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await world.start();

let [passed, failed] = [0, 0];
for (const [round, scenario] of rounds()) {
  const faults = await play(scenario, `${scenario.name}-${round}`);
  if (faults.length === 0) passed += 1;
  else failed += 1;
  for (const fault of faults) console.log(`    ${fault}`);
  // What a cluster that did not come back does next tells nothing.
  if (faults.length > 0) keepLogs();
}
await world.remove();
closeWith(passed, failed);
process.exit();

function* rounds(): Generator<[number, Scenario]> {
  if (values.minutes === undefined) {
    yield* wanted.entries();
    return;
  }
  const minutes = wholeNumber('minutes', values.minutes, 1, 10_000);
  const random = new SeededRandom(wholeNumber('seed', values.seed, 0, 2 ** 31));
  const endMs = performance.now() + minutes * 60_000;
  for (let round = 0; performance.now() < endMs; round++) {
    yield [round, random.pick(wanted)];
  }
}

/** @returns what was wrong */
async function play(scenario: Scenario, topic: string): Promise<string[]> {
  const begin = performance.now();
  try {
    await world.allInSync();
    const made = await world.createTopic(topic);
    const load = await (scenario.clients === 'verifiable' ? VerifiableClients : OwnClients).begin(made);
    const trouble = await scenario.run(world, topic).then(
      () => [],
      (error: Error) => [error.message],
    );
    await world.heal();
    await world.allInSync();
    const report = await load.judge();
    const wrong = [...trouble, ...faultsOf(report, scenario)];
    tell(scenario, report, wrong.length === 0, begin);
    return wrong;
  } catch (error) {
    console.log(`${scenario.name}: FAILED`);
    return [(error as Error).message];
  }
}

function faultsOf({ anomalies, gapMs, acknowledged }: LoadReport, { gapMaxMs }: Scenario): string[] {
  const wrong = anomalies.slice(0, 10).map(({ name, description }) => `${name}: ${description}`);
  if (anomalies.length > 10) wrong.push(`and ${anomalies.length - 10} more anomalies`);
  if (gapMs > gapMaxMs) wrong.push(`no acknowledgement for ${Math.round(gapMs)} ms, allowed are ${gapMaxMs}`);
  if (acknowledged === 0) wrong.push('nothing was acknowledged');
  return wrong;
}

function tell({ name, faults }: Scenario, report: LoadReport, isFine: boolean, begin: number): void {
  const { acknowledged, unknown, read, anomalies, gapMs } = report;
  const seconds = Math.round((performance.now() - begin) / 1_000);
  console.log(
    `${name}: ${isFine ? 'ok' : 'FAILED'}; ${acknowledged} acknowledged, ${unknown} unknown, ${read} read, ` +
      `${anomalies.length} anomalies, longest gap ${(gapMs / 1_000).toFixed(1)} s, ${seconds} s (${faults})`,
  );
}

/** The logs of all processes, for whoever looks for the reason. */
function keepLogs(): void {
  const kept = `${world.folder}-failed`;
  cpSync(world.folder, kept, {
    recursive: true,
    filter: (path) => !path.includes('/disk-') && !path.includes('/data'),
  });
  appendFileSync(`${kept}/README`, 'logs of the brokers and of ZooKeeper of a run that failed\n');
  console.log(`    logs: ${kept}`);
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} is ${text}, allowed are whole numbers from ${min} to ${max}`);
}
