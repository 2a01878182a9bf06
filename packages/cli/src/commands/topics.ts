import {
  createPartitions,
  createTopic,
  deleteTopic,
  describeTopic,
  listTopics,
  type NewTopic,
} from '@odradek/client/admin/topics.ts';
import { alterConfigs, describeConfigs } from '@odradek/client/admin/configs.ts';
import type { Cluster } from '@odradek/client/cluster/cluster.ts';
import type { TopicMetadata } from '@odradek/client/cluster/metadata-cache.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { Command } from 'commander';
import { collect, nameAndValue, wholeNumber } from '../arguments.ts';
import { withClientOptions, withCluster, type ClientArguments } from '../client-options.ts';
import { jsonText, tableText } from '../output/table.ts';
import { usageError, type Terminal } from '../terminal.ts';

type Pairs = readonly (readonly [string, string])[];

interface CreateArguments extends ClientArguments {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config: Pairs;
  readonly ifNotExists?: true;
}

interface AlterArguments extends ClientArguments {
  readonly partitions?: number;
  readonly config: Pairs;
  readonly deleteConfig: readonly string[];
}

interface ListArguments extends ClientArguments {
  readonly excludeInternal?: true;
  readonly json?: true;
}

const PARTITIONS_MAX = 1_000_000;
const REPLICATION_MAX = 32_767;

export function register(program: Command, terminal: Terminal): void {
  const topics = program.command('topics').description('Create, list, describe, alter and delete topics.');
  withClientOptions(topics.command('create'))
    .description('Creates a topic.')
    .argument('<topic>')
    .option('-p, --partitions <count>', "default: the broker's", countOf('--partitions', PARTITIONS_MAX))
    .option(
      '-r, --replication-factor <count>',
      "default: the broker's",
      countOf('--replication-factor', REPLICATION_MAX),
    )
    .option('-c, --config <name=value>', 'a setting; may be repeated', collectConfig, [])
    .option('--if-not-exists', 'a topic that exists already is no error')
    .action((topic: string, given: CreateArguments) => create(topic, given, terminal));
  withClientOptions(topics.command('list'))
    .description('Lists all topics.')
    .option('--exclude-internal', "without Kafka's own")
    .option('--json', 'for machines')
    .action((given: ListArguments) => list(given, terminal));
  withClientOptions(topics.command('describe'))
    .description('Shows partitions, leaders, replicas and settings of topics.')
    .argument('<topic...>')
    .option('--json', 'for machines')
    .action((names: string[], given: ListArguments) => describe(names, given, terminal));
  withClientOptions(topics.command('alter'))
    .description('Adds partitions to a topic, or changes its settings.')
    .argument('<topic>')
    .option('-p, --partitions <count>', 'how many in all', countOf('--partitions', PARTITIONS_MAX))
    .option('-c, --config <name=value>', 'set one; may be repeated', collectConfig, [])
    .option(
      '-d, --delete-config <name>',
      'go back to the default; may be repeated',
      collect((text) => text),
      [],
    )
    .action((topic: string, given: AlterArguments) => alter(topic, given, terminal));
  withClientOptions(topics.command('delete'))
    .description('Deletes topics and all that is in them.')
    .argument('<topic...>')
    .option('--if-exists', 'a topic that does not exist is no error')
    .action((names: string[], given: ClientArguments & { ifExists?: true }) =>
      remove(names, given, terminal),
    );
}

const collectConfig = collect((text) => nameAndValue('--config', text));

function countOf(option: string, max: number): (text: string) => number {
  return (text) => wholeNumber(option, text, { min: 1, max });
}

async function create(name: string, given: CreateArguments, terminal: Terminal): Promise<void> {
  const { partitions, replicationFactor } = given;
  const topic: NewTopic = {
    name,
    configs: Object.fromEntries(given.config),
    ...(partitions === undefined ? {} : { partitions }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
  };
  const created = await withCluster(given, terminal, (cluster) =>
    unless(ErrorCode.TOPIC_ALREADY_EXISTS, given.ifNotExists === true, () => createTopic(cluster, topic)),
  );
  terminal.stdout.write(created ? `Created topic ${name}.\n` : `Topic ${name} exists already.\n`);
}

async function list(given: ListArguments, terminal: Terminal): Promise<void> {
  const all = await withCluster(given, terminal, listTopics);
  const topics = all.filter(({ isInternal }) => given.excludeInternal !== true || !isInternal);
  if (given.json === true) {
    terminal.stdout.write(jsonText(topics.map(summary)));
    return;
  }
  const rows = topics.map(summary).map((topic) => [topic.name, topic.partitions, topic.replicationFactor]);
  if (rows.length === 0) terminal.stdout.write('There are no topics.\n');
  else terminal.stdout.write(tableText(['TOPIC', 'PARTITIONS', 'REPLICATION'], rows, terminal));
}

function summary(topic: TopicMetadata): {
  name: string;
  topicId: string;
  partitions: number;
  replicationFactor: number;
  isInternal: boolean;
} {
  return {
    name: topic.name,
    topicId: topic.topicId,
    partitions: topic.partitions.length,
    replicationFactor: topic.partitions[0]?.replicas.length ?? 0,
    isInternal: topic.isInternal,
  };
}

type Described = TopicMetadata & { readonly configs: Readonly<Record<string, string | null>> };

async function describe(names: readonly string[], given: ListArguments, terminal: Terminal): Promise<void> {
  const topics = await withCluster(given, terminal, async (cluster) => {
    const described: Described[] = [];
    for (const name of names) {
      const topic = await describeTopic(cluster, name);
      described.push({ ...topic, configs: await ownConfigs(cluster, name) });
    }
    return described;
  });
  if (given.json === true) terminal.stdout.write(jsonText(topics));
  else terminal.stdout.write(topics.map((topic) => description(topic, terminal)).join('\n'));
}

/** Settings that the topic itself has. */
async function ownConfigs(cluster: Cluster, name: string): Promise<Record<string, string | null>> {
  const entries = await describeConfigs(cluster, { type: 'topic', name });
  return Object.fromEntries(
    entries.filter(({ source }) => source === 'topic').map((entry) => [entry.name, entry.value]),
  );
}

function description(topic: Described, terminal: Terminal): string {
  const configs = Object.entries(topic.configs).map(([name, value]) => `${name}=${value ?? '(hidden)'}`);
  const { partitions, replicationFactor, topicId } = summary(topic);
  const head = [
    `Topic ${topic.name}${topic.isInternal ? ' (internal)' : ''}`,
    `id ${topicId}`,
    `partitions ${partitions}`,
    `replication ${replicationFactor}`,
    `settings ${configs.length === 0 ? 'none of its own' : configs.join(' ')}`,
  ].join(', ');
  const rows = topic.partitions.map((partition) => [
    partition.partition,
    partition.leaderId < 0 ? 'none' : partition.leaderId,
    partition.leaderEpoch,
    partition.replicas.join(','),
    partition.isr.join(','),
    partition.offlineReplicas.join(','),
  ]);
  const headings = ['PARTITION', 'LEADER', 'EPOCH', 'REPLICAS', 'IN SYNC', 'OFFLINE'];
  return `${head}\n${tableText(headings, rows, terminal)}`;
}

async function alter(name: string, given: AlterArguments, terminal: Terminal): Promise<void> {
  const { partitions, config, deleteConfig } = given;
  const changes = Object.fromEntries([
    ...config,
    ...deleteConfig.map((key): [string, string | null] => [key, null]),
  ]) as Record<string, string | null>;
  const hasChanges = Object.keys(changes).length > 0;
  if (partitions === undefined && !hasChanges) {
    throw usageError('nothing to alter; give --partitions, --config or --delete-config');
  }
  await withCluster(given, terminal, async (cluster) => {
    if (hasChanges) {
      await alterConfigs(cluster, { type: 'topic', name }, changes);
      terminal.stdout.write(`Changed settings of topic ${name}.\n`);
    }
    if (partitions !== undefined) {
      await createPartitions(cluster, name, partitions);
      terminal.stdout.write(`Topic ${name} has ${partitions} partitions now.\n`);
    }
  });
}

async function remove(
  names: readonly string[],
  given: ClientArguments & { ifExists?: true },
  terminal: Terminal,
): Promise<void> {
  await withCluster(given, terminal, async (cluster) => {
    for (const name of names) {
      const deleted = await unless(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, given.ifExists === true, () =>
        deleteTopic(cluster, name),
      );
      terminal.stdout.write(deleted ? `Deleted topic ${name}.\n` : `There is no topic ${name}.\n`);
    }
  });
}

/** Whether it was done; a refusal with `code` counts as not needed when the user says so. */
async function unless(code: number, isAccepted: boolean, run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    if (isAccepted && error instanceof KafkaError && error.code === code) return false;
    throw error;
  }
}
