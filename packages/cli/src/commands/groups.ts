import {
  deleteGroup,
  describeGroup,
  listGroups,
  type GroupDescription,
} from '@odradek/client/admin/groups.ts';
import {
  commitGroupOffsets,
  groupLag,
  planOffsetReset,
  type OffsetTarget,
  type PartitionLag,
} from '@odradek/client/admin/group-offsets.ts';
import type { TopicSelection } from '@odradek/client/admin/group-offsets.ts';
import { Option, type Command } from 'commander';
import { collect, pointInTime, wholeNumber } from '../arguments.ts';
import { withClientOptions, withCluster, type ClientArguments } from '../client-options.ts';
import { forEachItem } from '../each-item.ts';
import { withExamples } from '../examples.ts';
import { jsonText, tableText, type Cell } from '../output/table.ts';
import { usageError, type Terminal } from '../terminal.ts';

interface OutputArguments extends ClientArguments {
  readonly json?: true;
}

interface ResetArguments extends OutputArguments {
  readonly topic?: readonly TopicSelection[];
  readonly allTopics?: true;
  readonly toEarliest?: true;
  readonly toLatest?: true;
  readonly toOffset?: number;
  readonly toDatetime?: number;
  readonly shiftBy?: number;
  readonly execute?: true;
}

const PARTITION_MAX = 2 ** 31 - 1;
const TARGET_OPTIONS = ['toEarliest', 'toLatest', 'toOffset', 'toDatetime', 'shiftBy'] as const;

export function register(program: Command, terminal: Terminal): void {
  const groups = program
    .command('groups')
    .description('Lists, describes and deletes consumer groups, and moves their offsets.');
  withClientOptions(
    groups
      .command('list')
      .description('Lists all groups.')
      .option('--json', 'as one JSON array')
      .action((given: OutputArguments) => list(given, terminal)),
  );
  registerDescribe(groups, terminal);
  registerReset(groups, terminal);
  registerDelete(groups, terminal);
}

function registerDescribe(groups: Command, terminal: Terminal): void {
  const command = groups
    .command('describe')
    .description(
      'Shows members, committed offsets and lag of groups.\n' +
        'Lag is how many records lie between what the group has committed and the end of the partition.',
    )
    .argument('<group...>')
    .option('--json', 'as one JSON array')
    .action((ids: string[], given: OutputArguments) => describe(ids, given, terminal));
  withExamples(withClientOptions(command), [['Is the group behind?', 'odradek groups describe billing']]);
}

function registerDelete(groups: Command, terminal: Terminal): void {
  const command = groups
    .command('delete')
    .description('Deletes groups that have no members, and their committed offsets.')
    .argument('<group...>')
    .action((ids: string[], given: ClientArguments) => remove(ids, given, terminal));
  withExamples(withClientOptions(command), [['A group that is not in use', 'odradek groups delete billing']]);
}

function registerReset(groups: Command, terminal: Terminal): void {
  const command = groups
    .command('reset-offsets')
    .description(
      'Moves the committed offsets of a group that has no members: stop its consumers first.\n' +
        'Shows what would change, and changes nothing without --execute.',
    )
    .argument('<group>')
    .addOption(
      new Option('--topic <topic[:partition,...]>', 'what to move; may be repeated')
        .argParser(collect(topicSelection))
        .conflicts('allTopics'),
    )
    .option('--all-topics', 'everything that the group has committed');
  const targets = [
    new Option('--to-earliest', 'to the first record'),
    new Option('--to-latest', 'to the end, past everything that is there'),
    new Option('--to-offset <offset>', 'to this offset').argParser((text) =>
      wholeNumber('--to-offset', text),
    ),
    new Option('--to-datetime <time>', 'to the first record at or after a time (ISO 8601)').argParser(
      (text) => pointInTime('--to-datetime', text),
    ),
    new Option('--shift-by <count>', 'forward, or back when negative').argParser((text) =>
      wholeNumber('--shift-by', text, { min: Number.MIN_SAFE_INTEGER }),
    ),
  ];
  for (const [index, option] of targets.entries()) {
    command.addOption(option.conflicts(TARGET_OPTIONS.filter((_, other) => other !== index)));
  }
  command
    .addOption(new Option('--dry-run', 'only show what would change (the default)').conflicts('execute'))
    .option('--execute', 'do it')
    .option('--json', 'as one JSON object')
    .action((groupId: string, given: ResetArguments) => reset(groupId, given, terminal));
  withExamples(withClientOptions(command), [
    [
      'Read a topic again from the start',
      'odradek groups reset-offsets billing --topic orders --to-earliest',
    ],
    [
      'The same, not only shown but done',
      'odradek groups reset-offsets billing --topic orders --to-earliest --execute',
    ],
    [
      'Back to this morning in all that the group reads',
      'odradek groups reset-offsets billing --all-topics --to-datetime 2026-01-31T06:00:00Z',
    ],
    [
      'Pass over one record that cannot be handled, in partition 3',
      'odradek groups reset-offsets billing --topic orders:3 --shift-by 1 --execute',
    ],
  ]);
}

async function list(given: OutputArguments, terminal: Terminal): Promise<void> {
  const groups = await withCluster(given, terminal, listGroups);
  if (given.json === true) terminal.stdout.write(jsonText(groups));
  else if (groups.length === 0) terminal.stdout.write('There are no groups.\n');
  else {
    const rows = groups.map(({ groupId, state, protocolType }) => [groupId, state, protocolType]);
    terminal.stdout.write(tableText(['GROUP', 'STATE', 'PROTOCOL'], rows, terminal));
  }
}

type Described = GroupDescription & { readonly offsets: readonly PartitionLag[] };

async function describe(ids: readonly string[], given: OutputArguments, terminal: Terminal): Promise<void> {
  await withCluster(given, terminal, async (cluster) => {
    const groups: Described[] = [];
    try {
      await forEachItem(ids, terminal, async (id) => {
        const group = await describeGroup(cluster, id);
        groups.push({ ...group, offsets: await groupLag(cluster, group) });
      });
    } finally {
      if (given.json === true) terminal.stdout.write(jsonText(groups));
      else terminal.stdout.write(groups.map((group) => description(group, terminal)).join('\n'));
    }
  });
}

function description(group: Described, terminal: Terminal): string {
  const head = [
    `Group ${group.groupId}`,
    `state ${group.state}`,
    ...(group.assignor === '' ? [] : [`assignor ${group.assignor}`]),
    `coordinator ${group.coordinatorId}`,
    `members ${group.members.length}`,
  ].join(', ');
  const rows: Cell[][] = group.offsets.map((lag) => [
    lag.topic,
    lag.partition,
    lag.committedOffset,
    lag.endOffset,
    lag.lag,
    lag.member?.memberId ?? null,
    lag.member?.host ?? null,
    lag.member?.clientId ?? null,
  ]);
  for (const member of group.members) {
    if (member.partitions.length > 0) continue;
    rows.push([null, null, null, null, null, member.memberId, member.host, member.clientId]);
  }
  if (rows.length === 0) return `${head}\nNo members and no committed offsets.\n`;
  const headings = ['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'MEMBER', 'HOST', 'CLIENT'];
  return `${head}\n${tableText(headings, rows, terminal)}`;
}

async function remove(ids: readonly string[], given: ClientArguments, terminal: Terminal): Promise<void> {
  await withCluster(given, terminal, (cluster) =>
    forEachItem(ids, terminal, async (id) => {
      await deleteGroup(cluster, id);
      terminal.stdout.write(`Deleted group ${id}.\n`);
    }),
  );
}

async function reset(groupId: string, given: ResetArguments, terminal: Terminal): Promise<void> {
  const target = targetOf(given);
  if (given.allTopics !== true && given.topic === undefined) {
    throw usageError('which offsets? Give --topic or --all-topics');
  }
  const selections = given.topic ?? null;
  const changes = await withCluster(given, terminal, async (cluster) => {
    const planned = await planOffsetReset(cluster, groupId, selections, target);
    if (given.execute === true) await commitGroupOffsets(cluster, groupId, planned);
    return planned;
  });
  if (given.json === true) {
    terminal.stdout.write(jsonText({ groupId, executed: given.execute === true, changes }));
    return;
  }
  const rows = changes.map(({ topic, partition, currentOffset, offset }) => [
    topic,
    partition,
    currentOffset,
    offset,
  ]);
  terminal.stdout.write(tableText(['TOPIC', 'PARTITION', 'CURRENT', 'NEW'], rows, terminal));
  terminal.stdout.write(given.execute === true ? 'Done.\n' : 'Nothing is changed yet; --execute does it.\n');
}

function targetOf(given: ResetArguments): OffsetTarget {
  if (given.toEarliest === true) return { to: 'earliest' };
  if (given.toLatest === true) return { to: 'latest' };
  if (given.toOffset !== undefined) return { to: 'offset', offset: given.toOffset };
  if (given.toDatetime !== undefined) return { to: 'time', timestampMs: given.toDatetime };
  if (given.shiftBy !== undefined) return { to: 'shifted', by: given.shiftBy };
  throw usageError('where to? Give --to-earliest, --to-latest, --to-offset, --to-datetime or --shift-by');
}

/** `topic` for all of its partitions, `topic:0,2` for some. */
function topicSelection(text: string): TopicSelection {
  const at = text.lastIndexOf(':');
  if (at < 0) return { topic: text, partitions: null };
  const partitions = text
    .slice(at + 1)
    .split(',')
    .map((part) => wholeNumber(`partition in --topic ${text}`, part, { max: PARTITION_MAX }));
  return { topic: text.slice(0, at), partitions };
}
