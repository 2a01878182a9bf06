// Odradek beside Apache Kafka: same generator, same settings, same cores, in turn.
//
//   npm run bench                                all workloads
//   npm run bench -- produce-16k fetch-1m        these
//     --peers odradek,kafka-4.4,c-baseline       the first is held against the others; there is kafka-3.9 too
//     --rounds 5   --seconds 3
//     --unpinned                                 broker and generator may both use all cores
//     --name NAME                                of the results; the date by default
//
// Prints a table and writes it to bench/results, with every single measurement. Takes about 4 minutes a round.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { measureLoad, measureStart, type LoadTimes, type Pinning, type RunningPeer } from './measure.ts';
import { metricsOf } from './metrics.ts';
import { canRun, peerNamed, type Peer } from './peers.ts';
import { rowsOf, tableOf, writeReport, type Measured } from './report.ts';
import { workloadsNamed, type LatencyWorkload, type StartWorkload, type Workload } from './workloads.ts';

interface Plan {
  readonly workloads: readonly Workload[];
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly times: LoadTimes;
  readonly pinning: Pinning;
  readonly name: string;
}

function planOf(args: readonly string[]): Plan {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      peers: { type: 'string', default: 'odradek,kafka-4.4,c-baseline' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      unpinned: { type: 'boolean', default: false },
      name: { type: 'string', default: new Date().toISOString().slice(0, 10) },
    },
  });
  const isPinned = !values.unpinned && availableParallelism() > 1;
  return {
    workloads: workloadsNamed(positionals),
    peers: values.peers.split(',').map(peerNamed),
    rounds: numberOf('--rounds', values.rounds),
    times: { warmUpMs: 1000, measureMs: numberOf('--seconds', values.seconds) * 1000 },
    pinning: isPinned
      ? { brokerCore: 0, generatorCore: 1 }
      : { brokerCore: undefined, generatorCore: undefined },
    name: values.name,
  };
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} ${text} is not a number above 0`);
  return value;
}

/** All rounds of all workloads. Within a round the peers take turns, and the order changes from round to round. */
async function measureAll(plan: Plan): Promise<Measured[]> {
  const measured: Measured[] = [];
  const note = (each: Measured): void => {
    measured.push(each);
    const figures = Object.entries(each.metrics).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
    console.error(`${each.round + 1}/${plan.rounds} ${each.peer} ${each.workload}: ${figures.join(', ')}`);
  };
  await measureStarts(plan, note);
  const loads = plan.workloads.filter((workload) => workload.kind !== 'start');
  if (loads.length === 0) return measured;
  const running: RunningPeer[] = [];
  const stopAll = async (): Promise<void> => {
    for (const { target } of running) await target.stop();
  };
  // Brokers in processes of their own would outlive us.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stopAll().finally(() => process.exit(1)));
  }
  try {
    for (const peer of plan.peers) {
      running.push({ peer, target: await peer.start(plan.pinning.brokerCore) });
    }
    for (const each of running) await warmUp(plan, each);
    for (let round = 0; round < plan.rounds; round++) await measureRound(plan, round, running, note);
  } finally {
    await stopAll();
  }
  return measured;
}

async function measureStarts(plan: Plan, note: (each: Measured) => void): Promise<void> {
  const starts = plan.workloads.filter((workload): workload is StartWorkload => workload.kind === 'start');
  for (const workload of starts) {
    // The first start after a change compiles, and reads from the disk what later ones find in memory.
    for (const peer of plan.peers) {
      if (canRun(peer, workload.kind)) await (await peer.start(plan.pinning.brokerCore)).stop();
    }
    for (let round = 0; round < plan.rounds; round++) {
      for (const peer of inTurn(plan.peers, round)) {
        if (!canRun(peer, workload.kind)) continue;
        const metrics = await measureStart(workload, peer, plan.pinning);
        note({ workload: workload.name, peer: peer.name, round, metrics });
      }
    }
  }
}

/** So that compilers have done their work: JVMs need some seconds of the same kind of load. */
async function warmUp({ pinning }: Plan, running: RunningPeer): Promise<void> {
  for (const workload of workloadsNamed(['produce-1k', 'produce-16k', 'fetch-1m'])) {
    if (workload.kind === 'start' || !canRun(running.peer, workload.kind)) continue;
    await measureLoad(workload, running, pinning, { warmUpMs: 0, measureMs: 5000 }, 0);
  }
}

async function measureRound(
  plan: Plan,
  round: number,
  running: readonly RunningPeer[],
  note: (each: Measured) => void,
): Promise<void> {
  /** Requests per second, by workload: of the slowest peer. */
  const fullLoads = new Map<string, number>();
  for (const workload of plan.workloads) {
    if (workload.kind === 'start') continue;
    const rate = workload.kind === 'latency' ? rateOf(workload, fullLoads) : 0;
    for (const each of inTurn(running, round)) {
      const { peer } = each;
      if (!canRun(peer, workload.kind)) continue;
      const result = await measureLoad(workload, each, plan.pinning, plan.times, rate);
      const metrics = metricsOf(workload.kind, result);
      note({ workload: workload.name, peer: peer.name, round, metrics });
      const full = result.requests / result.seconds;
      fullLoads.set(workload.name, Math.min(full, fullLoads.get(workload.name) ?? Infinity));
    }
  }
}

function rateOf(workload: LatencyWorkload, fullLoads: ReadonlyMap<string, number>): number {
  return workload.share * fullLoads.get(workload.fullLoad)!;
}

function inTurn<T>(peers: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? peers : peers.toReversed();
}

async function main(args: readonly string[]): Promise<void> {
  const plan = planOf(args);
  const measured = await measureAll(plan);
  const rows = rowsOf(measured, plan.workloads, plan.peers);
  writeReport(plan.name, measured, rows, {
    peers: plan.peers,
    rounds: plan.rounds,
    measureMs: plan.times.measureMs,
    pinning:
      plan.pinning.brokerCore === undefined
        ? 'none: broker and generator may use all cores'
        : 'the broker on core 0, the generator on core 1',
  });
  console.log(tableOf(rows, plan.peers));
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
