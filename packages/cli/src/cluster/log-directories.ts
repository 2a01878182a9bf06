import {
  describeLogDirectories,
  moveToLogDirectory,
  type LogDirectory,
} from '@odradek/client/admin/log-directories.ts';
import type { Cluster } from '@odradek/client/cluster/cluster.ts';
import type { BrokerNode } from '@odradek/client/cluster/metadata-cache.ts';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { type ClientArguments, withClientOptions, withCluster } from '../client-options.ts';
import { withExamples } from '../examples.ts';
import { failureLine } from '../failure.ts';
import { jsonText, tableText, type Cell } from '../output/table.ts';
import { CommandError, type Terminal, usageError } from '../terminal.ts';

interface ShowArguments extends ClientArguments {
  readonly broker?: number;
  readonly json?: true;
}

interface MoveArguments extends ClientArguments {
  readonly broker: number;
}

interface OfBroker {
  readonly nodeId: number;
  readonly directories: readonly LogDirectory[];
}

const PARTITION = /^(?<topic>[^:]+):(?<index>\d{1,9})$/;

export function registerLogDirectories(cluster: Command, terminal: Terminal): void {
  const showing = cluster
    .command('log-dirs')
    .description('Shows the data directories of brokers, what lies in them, and what is on its way there.')
    .option('--broker <id>', 'of one broker alone', brokerId)
    .option('--json', 'as one JSON array')
    .action((given: ShowArguments) => show(given, terminal));
  withExamples(withClientOptions(showing), [['How far is the move?', 'odradek cluster log-dirs --broker 1']]);
  const moving = cluster
    .command('move-log')
    .description(
      'Moves replicas to another data directory of their broker, while they are written and read.\n' +
        'Begins the move and does not wait for it; naming the directory where they are ends one.',
    )
    .argument('<directory>', "as in the broker's log.dirs")
    .argument('<partition...>', 'topic:0')
    .requiredOption('--broker <id>', 'which one', brokerId)
    .action((path: string, names: string[], given: MoveArguments) => move(path, names, given, terminal));
  withExamples(withClientOptions(moving), [
    ['To an emptier disk', 'odradek cluster move-log /disks/b orders:0 orders:1 --broker 1'],
  ]);
}

function brokerId(text: string): number {
  return wholeNumber('--broker', text);
}

async function show(given: ShowArguments, terminal: Terminal): Promise<void> {
  await withCluster(given, terminal, async (cluster) => {
    const brokers = await cluster.nodes();
    const wanted = given.broker === undefined ? brokers : [brokerOf(brokers, given.broker)];
    const found: OfBroker[] = [];
    for (const node of wanted) {
      found.push({ nodeId: node.nodeId, directories: await describeLogDirectories(cluster, node) });
    }
    terminal.stdout.write(
      given.json === true ? jsonText(found.map(shown)) : tableText(HEADINGS, rowsOf(found), terminal),
    );
  });
}

const HEADINGS = ['BROKER', 'DIRECTORY', 'PARTITION', 'BYTES', 'STATE'];

function rowsOf(found: readonly OfBroker[]): Cell[][] {
  return found.flatMap(({ nodeId, directories }) =>
    directories.flatMap(({ path, error, replicas }): Cell[][] => {
      if (error !== null) return [[nodeId, path, '', '', 'failed']];
      if (replicas.length === 0) return [[nodeId, path, '', 0, 'empty']];
      return replicas.map(({ topic, partition, sizeBytes, isFuture, offsetLag }) => [
        nodeId,
        path,
        `${topic}:${partition}`,
        sizeBytes,
        isFuture ? `on its way, ${offsetLag} records to go` : '',
      ]);
    }),
  );
}

function shown({ nodeId, directories }: OfBroker) {
  return {
    broker: nodeId,
    directories: directories.map(({ error, ...rest }) => ({ ...rest, error: error?.message ?? null })),
  };
}

async function move(
  path: string,
  names: readonly string[],
  given: MoveArguments,
  terminal: Terminal,
): Promise<void> {
  const partitions = names.map(partitionOf);
  await withCluster(given, terminal, async (cluster: Cluster) => {
    const broker = brokerOf(await cluster.nodes(), given.broker);
    const refusals = await moveToLogDirectory(cluster, broker, path, partitions);
    for (const { error } of refusals) terminal.stderr.write(`odradek: ${failureLine(error)}\n`);
    if (refusals.length > 0)
      throw new CommandError(`${refusals.length} of ${partitions.length} are not moved`);
    terminal.stdout.write(`Moving ${partitions.length} partitions to ${path} on broker ${given.broker}.\n`);
  });
}

function partitionOf(name: string): { topic: string; partition: number } {
  const parts = PARTITION.exec(name)?.groups;
  if (parts === undefined) throw usageError(`${name} is no partition: name it as topic:0`);
  return { topic: parts['topic']!, partition: Number(parts['index']) };
}

function brokerOf(brokers: readonly BrokerNode[], id: number): BrokerNode {
  const broker = brokers.find(({ nodeId }) => nodeId === id);
  if (broker === undefined) {
    const known = brokers.map(({ nodeId }) => nodeId).join(', ');
    throw usageError(`there is no broker ${id}, only ${known}`);
  }
  return broker;
}
