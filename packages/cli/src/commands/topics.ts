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
import { forEachItem } from '../each-item.ts';
import { withExamples } from '../examples.ts';
import { jsonText, tableText } from '../output/table.ts';
import { usageError, type Terminal } from '../terminal.ts';

type Pairs = readonly (readonly [string, string])[];

interface CreateArguments extends ClientArguments {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: Pairs;
  readonly ifNotExists?: true;
}

interface AlterArguments extends ClientArguments {
  readonly partitions?: number;
  readonly config?: Pairs;
  readonly deleteConfig?: readonly string[];
}

interface ListArguments extends ClientArguments {
  readonly excludeInternal?: true;
  readonly json?: true;
}

const PARTITIONS_MAX = 1_000_000;
const REPLICATION_MAX = 32_767;

export function register(program: Command, terminal: Terminal): void {
  const topics = program
    .command('topics')
    .description('Creates, lists, describes, alters and deletes topics.');
  registerCreate(topics, terminal);
  registerReaders(topics, terminal);
  registerAlter(topics, terminal);
  registerDelete(topics, terminal);
}

function registerCreate(topics: Command, terminal: Terminal): void {
  const command = topics
    .command('create')
    .description('Creates a topic.')
    .argument('<topic>', 'letters, digits, ".", "_" and "-", at most 249')
    .option('-p, --partitions <count>', "default: the broker's", countOf('--partitions', PARTITIONS_MAX))
    .option(
      '-r, --replication-factor <count>',
      "copies of each partition; default: the broker's",
      countOf('--replication-factor', REPLICATION_MAX),
    )
    .option('-c, --config <name=value>', 'a setting of the topic; may be repeated', collectConfig)
    .option('--if-not-exists', 'succeed also when the topic exists already')
    .action((topic: string, given: CreateArguments) => create(topic, given, terminal));
  withExamples(withClientOptions(command), [
    ['Six partitions, records kept for a day', 'odradek topics create orders -p 6 -c retention.ms=86400000'],
    [
      'The last record of each key is kept for ever',
      'odradek topics create prices -c cleanup.policy=compact',
    ],
  ]);
}

function registerReaders(topics: Command, terminal: Terminal): void {
  withClientOptions(
    topics
      .command('list')
      .description('Lists all topics.')
      .option('--exclude-internal', "leave out Kafka's own, such as __consumer_offsets")
      .option('--json', 'as one JSON array')
      .action((given: ListArguments) => list(given, terminal)),
  );
  const describing = topics
    .command('describe')
    .description(
      'Shows partitions, leaders, replicas and settings of topics.\n' +
        'A partition with leader "none" can be neither written nor read.',
    )
    .argument('<topic...>')
    .option('--json', 'as one JSON array')
    .action((names: string[], given: ListArguments) => describe(names, given, terminal));
  withExamples(withClientOptions(describing), [
    ['Where the partitions of a topic are', 'odradek topics describe orders -b broker1:9092'],
  ]);
}

function registerAlter(topics: Command, terminal: Terminal): void {
  const command = topics
    .command('alter')
    .description(
      'Adds partitions to a topic, or changes its settings.\n' +
        'Partitions cannot be taken away, and new ones move keys: records of one key may then lie in two.',
    )
    .argument('<topic>')
    .option('-p, --partitions <count>', 'how many in all', countOf('--partitions', PARTITIONS_MAX))
    .option('-c, --config <name=value>', 'set one; may be repeated', collectConfig)
    .option(
      '-d, --delete-config <name>',
      'go back to the default; may be repeated',
      collect((text) => text),
    )
    .action((topic: string, given: AlterArguments) => alter(topic, given, terminal));
  withExamples(withClientOptions(command), [
    ['Twelve partitions in all', 'odradek topics alter orders -p 12'],
    [
      "Keep records for an hour, and as many bytes as the broker's default says",
      'odradek topics alter orders -c retention.ms=3600000 -d retention.bytes',
    ],
  ]);
}

function registerDelete(topics: Command, terminal: Terminal): void {
  const command = topics
    .command('delete')
    .description('Deletes topics and all that is in them. There is no way back.')
    .argument('<topic...>')
    .option('--if-exists', 'succeed also when a topic does not exist')
    .action((names: string[], given: ClientArguments & { ifExists?: true }) =>
      remove(names, given, terminal),
    );
  withExamples(withClientOptions(command), [['Two topics', 'odradek topics delete orders-old prices-old']]);
}

const collectConfig = collect((text) => nameAndValue('--config', text));

function countOf(option: string, max: number): (text: string) => number {
  return (text) => wholeNumber(option, text, { min: 1, max });
}

async function create(name: string, given: CreateArguments, terminal: Terminal): Promise<void> {
  const { partitions, replicationFactor } = given;
  const topic: NewTopic = {
    name,
    configs: Object.fromEntries(given.config ?? []),
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
  await withCluster(given, terminal, async (cluster) => {
    const topics: Described[] = [];
    try {
      await forEachItem(names, terminal, async (name) => {
        const topic = await describeTopic(cluster, name);
        topics.push({ ...topic, configs: await ownConfigs(cluster, name) });
      });
    } finally {
      if (given.json === true) terminal.stdout.write(jsonText(topics));
      else terminal.stdout.write(topics.map((topic) => description(topic, terminal)).join('\n'));
    }
  });
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
  const { partitions, config = [], deleteConfig = [] } = given;
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
  await withCluster(given, terminal, (cluster) =>
    forEachItem(names, terminal, async (name) => {
      const deleted = await unless(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, given.ifExists === true, () =>
        deleteTopic(cluster, name),
      );
      terminal.stdout.write(deleted ? `Deleted topic ${name}.\n` : `There is no topic ${name}.\n`);
    }),
  );
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
