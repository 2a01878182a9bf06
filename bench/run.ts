// Odradek beside Apache Kafka: same generators, same settings, same cores, in turn.
//
//   npm run bench                          one broker: all workloads, in at most 25 minutes
//   npm run bench -- NAME|GROUP...         some of them: produce-16k, compression, latency, ...
//     --peers odradek,kafka-4.4            the first is held against the others
//     --rounds 3   --other-rounds 2        of what has a target, and of the rest
//     --seconds 2                          per load and peer
//     --minutes 25                         nothing begins later; what was measured is kept
//     --recovery-gb 10   --partitions 10000
//     --unpinned                           brokers and generator may use all cores
//     --name NAME                          of the results; the date and what is measured by default
//     --resume                             go on with the results of that name
//   npm run bench -- cluster               three brokers beside three of Apache Kafka 3.9, in at most 12 minutes
//   npm run bench -- clients               our client beside other clients for Node, in at most 12 minutes
//     --brokers kafka-4.4,odradek
//   npm run bench -- scale-on-paper        100 brokers and up to 200,000 partitions: what the controller does there
//
// Prints tables and writes them to bench/results with every single measurement, after each of them.
import { parseArgs } from 'node:util';
import { peerNamed, peers } from './broker/peers.ts';
import { BrokerSuite } from './broker/suite.ts';
import { workloadsNamed } from './broker/workloads.ts';
import { CLIENT_NAMES, type ClientName } from './clients/client-spec.ts';
import { ClientsSuite } from './clients/suite.ts';
import { BROKERS, clientWorkloadsNamed } from './clients/workloads.ts';
import { clusterPeers } from './cluster/bench-cluster.ts';
import { clusterExperimentsNamed } from './cluster/experiments.ts';
import { ClusterSuite } from './cluster/suite.ts';
import { ScaleSuite } from './scale/suite.ts';

const CLIENTS = 'clients';
const CLUSTER = 'cluster';
const MANY_PARTITIONS = 10_000;
const SCALE = 'scale-on-paper';
const SCALE_BROKERS = 100;
const SCALE_PARTITIONS: readonly number[] = [2_000, 20_000, 200_000];

interface Suite {
  run(): Promise<string>;
  stop(): Promise<void>;
}

function suiteOf(args: readonly string[]): Suite {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      peers: { type: 'string' },
      brokers: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      'other-rounds': { type: 'string', default: '2' },
      seconds: { type: 'string', default: '2' },
      minutes: { type: 'string' },
      'recovery-gb': { type: 'string', default: '10' },
      partitions: { type: 'string' },
      unpinned: { type: 'boolean', default: false },
      name: { type: 'string' },
      resume: { type: 'boolean', default: false },
    },
  });
  const today = new Date().toISOString().slice(0, 10);
  const partitions =
    values.partitions === undefined ? undefined : numberOf('--partitions', values.partitions);
  if (positionals[0] === SCALE) {
    return new ScaleSuite({
      brokers: SCALE_BROKERS,
      partitions: partitions === undefined ? SCALE_PARTITIONS : [partitions],
      name: values.name ?? `${today}-${SCALE}`,
    });
  }
  const shared = {
    rounds: numberOf('--rounds', values.rounds),
    measureMs: numberOf('--seconds', values.seconds) * 1000,
    isPinned: !values.unpinned,
    isResumed: values.resume,
  };
  if (positionals[0] === CLIENTS) {
    const brokers = values.brokers?.split(',') ?? BROKERS;
    return new ClientsSuite({
      ...shared,
      workloads: clientWorkloadsNamed(positionals.slice(1), brokers),
      clients: clientsNamed(values.peers),
      minutes: numberOf('--minutes', values.minutes ?? '12'),
      name: values.name ?? `${today}-${CLIENTS}`,
    });
  }
  if (positionals[0]?.startsWith(CLUSTER)) {
    return new ClusterSuite({
      ...shared,
      experiments: clusterExperimentsNamed(positionals),
      peers: clusterPeersNamed(values.peers),
      minutes: numberOf('--minutes', values.minutes ?? '12'),
      partitions,
      name: values.name ?? `${today}-${CLUSTER}`,
    });
  }
  return new BrokerSuite({
    ...shared,
    workloads: workloadsNamed(positionals),
    peers: values.peers?.split(',').map(peerNamed) ?? peers,
    otherRounds: numberOf('--other-rounds', values['other-rounds']),
    minutes: numberOf('--minutes', values.minutes ?? '25'),
    recoveryBytes: numberOf('--recovery-gb', values['recovery-gb']) * 1e9,
    manyPartitions: partitions ?? MANY_PARTITIONS,
    name: values.name ?? `${today}-broker`,
  });
}

function clusterPeersNamed(text: string | undefined): readonly string[] {
  return namesOf(text, Object.keys(clusterPeers), 'no cluster of');
}

function clientsNamed(text: string | undefined): readonly ClientName[] {
  return namesOf(text, CLIENT_NAMES, 'no client') as readonly ClientName[];
}

function namesOf(text: string | undefined, known: readonly string[], what: string): readonly string[] {
  const wanted = text?.split(',') ?? known;
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${what} ${unknown} is known: there are ${known.join(', ')}`);
  return wanted;
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} ${text} is not a number above 0`);
  return value;
}

async function main(args: readonly string[]): Promise<void> {
  const suite = suiteOf(args);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void suite.stop().finally(() => process.exit(1)));
  }
  console.log(await suite.run());
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
