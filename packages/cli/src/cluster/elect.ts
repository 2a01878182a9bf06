import { alterReassignments } from '@odradek/client/admin/reassignments.ts';
import { type ElectionKind, electLeaders, type ElectionOutcome } from '@odradek/client/admin/elections.ts';
import type { PartitionRefusal } from '@odradek/client/admin/partition-refusal.ts';
import type { Cluster } from '@odradek/client/cluster/cluster.ts';
import type { TopicPartition } from '@odradek/client/cluster/topic-partition.ts';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { type ClientArguments, withClientOptions, withCluster } from '../client-options.ts';
import { withExamples } from '../examples.ts';
import { failureLine } from '../failure.ts';
import { jsonText, tableText } from '../output/table.ts';
import { CommandError, type Terminal, usageError } from '../terminal.ts';
import { type ClusterView, viewOf } from './cluster-view.ts';
import { writePlan } from './plan-file.ts';
import { type PlannedPartition, planLeadersOff } from './reassignment-plan.ts';

interface ElectArguments extends ClientArguments {
  readonly all?: true;
  readonly unclean?: true;
  readonly json?: true;
}

interface MoveArguments extends ClientArguments {
  readonly execute?: true;
  readonly before?: string;
}

export function registerElections(cluster: Command, terminal: Terminal): void {
  const electing = cluster
    .command('elect')
    .description(
      'Gives the lead of partitions back to their first replica.\n' +
        'With --unclean, to one that is not in sync where no other is left: records may be lost.',
    )
    .argument('[partition...]', 'topic, or topic:0,2 for some of its partitions')
    .option('--all', 'all partitions of the cluster')
    .option('--unclean', 'partitions without a leader alone, which have to be named')
    .option('--json', 'as one JSON object')
    .action((names: string[], given: ElectArguments) => elect(names, given, terminal));
  withExamples(withClientOptions(electing), [
    ['After a restart', 'odradek cluster elect --all'],
    ['The last resort', 'odradek cluster elect --unclean orders:3'],
  ]);
  const moving = cluster
    .command('move-leaders')
    .description(
      'Lets a broker lead nothing: it becomes the last of the replicas, in which order leaders are elected.\n' +
        'Its replicas stay where they are. Nothing is changed without --execute.',
    )
    .argument('<broker>', 'its id')
    .option('--execute', 'do it')
    .option('--before <file>', 'write the order that there was into a new file, for `reassign execute`')
    .action((broker: string, given: MoveArguments) => moveLeaders(broker, given, terminal));
  withExamples(withClientOptions(moving), [
    [
      'Off broker 2, and how to take it back',
      'odradek cluster move-leaders 2 --before before.json --execute',
    ],
    ['Back', 'odradek cluster reassign execute before.json && odradek cluster elect --all'],
  ]);
}

async function elect(names: readonly string[], given: ElectArguments, terminal: Terminal): Promise<void> {
  const kind: ElectionKind = given.unclean === true ? 'unclean' : 'preferred';
  if (names.length > 0 === (given.all === true)) throw usageError('name partitions, or give --all');
  if (kind === 'unclean' && given.all === true) {
    throw usageError('--unclean may lose records: it is not to be had for --all, name the partitions');
  }
  await withCluster(given, terminal, async (cluster) => {
    const partitions = names.length === 0 ? null : partitionsNamed(names, await viewOf(cluster));
    const outcome = await electLeaders(cluster, kind, partitions);
    if (given.json === true) terminal.stdout.write(jsonText(shownOutcome(outcome)));
    else terminal.stdout.write(`${outcome.elected.length} partitions have got another leader.\n`);
    failIfRefused(outcome.refusals, terminal);
  });
}

function shownOutcome({ elected, refusals }: ElectionOutcome) {
  return {
    elected,
    refusals: refusals.map(({ topic, partition, error }) => ({
      topic,
      partition,
      error: failureLine(error),
    })),
  };
}

/** Tells each refusal in a line. @throws CommandError with their number, if there are any */
export function failIfRefused(refusals: readonly PartitionRefusal[], terminal: Terminal): void {
  if (refusals.length === 0) return;
  for (const { error } of refusals) terminal.stderr.write(`odradek: ${failureLine(error)}\n`);
  throw new CommandError(`${refusals.length} partitions were refused`);
}

/** @throws CommandError for a topic or partition that there is not */
export function partitionsNamed(names: readonly string[], { partitions }: ClusterView): TopicPartition[] {
  return names.flatMap((name) => {
    const [topic = '', indexes] = name.split(':');
    const ofTopic = partitions.filter((each) => each.topic === topic);
    if (ofTopic.length === 0) throw usageError(`there is no topic "${topic}"`);
    if (indexes === undefined) return ofTopic;
    return indexes.split(',').map((index) => {
      const partition = wholeNumber(`the partition of ${name}`, index);
      if (partition >= ofTopic.length)
        throw usageError(`${topic} has ${ofTopic.length} partitions, not ${name}`);
      return { topic, partition };
    });
  });
}

async function moveLeaders(broker: string, given: MoveArguments, terminal: Terminal): Promise<void> {
  const brokerId = wholeNumber('<broker>', broker);
  await withCluster(given, terminal, async (cluster) => {
    const { partitions, brokers } = await viewOf(cluster);
    if (!brokers.some(({ nodeId }) => nodeId === brokerId))
      throw usageError(`there is no broker ${brokerId}`);
    const plan = planLeadersOff(partitions, brokerId);
    const before = new Map(partitions.map((each) => [`${each.topic}-${each.partition}`, each.replicas]));
    const beforeOf = ({ topic, partition }: PlannedPartition) => before.get(`${topic}-${partition}`)!;
    const rows = plan.map((each) => [
      ...[each.topic, each.partition, beforeOf(each).join(','), each.replicas.join(',')],
    ]);
    if (rows.length > 0) {
      terminal.stdout.write(tableText(['TOPIC', 'PARTITION', 'BEFORE', 'AFTER'], rows, terminal));
    }
    const stuck = partitions.filter(
      ({ leaderId, isr }) => leaderId === brokerId && isr.every((id) => id === brokerId),
    );
    if (given.execute === true && plan.length > 0) {
      if (given.before !== undefined) {
        writePlan(
          given.before,
          plan.map((each) => ({ ...each, replicas: beforeOf(each) })),
        );
      }
      await execute(cluster, plan, terminal);
      terminal.stdout.write(`Broker ${brokerId} leads ${stuck.length} partitions now.\n`);
    } else {
      terminal.stdout.write(
        plan.length === 0
          ? `Nothing can be moved off broker ${brokerId}.\n`
          : 'Nothing is changed yet; --execute does it.\n',
      );
    }
    if (stuck.length > 0) {
      throw new CommandError(`${stuck.length} partitions have no other replica in sync, and stay`);
    }
  });
}

async function execute(
  cluster: Cluster,
  plan: readonly PlannedPartition[],
  terminal: Terminal,
): Promise<void> {
  failIfRefused(await alterReassignments(cluster, plan), terminal);
  const { refusals } = await electLeaders(cluster, 'preferred', plan);
  failIfRefused(refusals, terminal);
}
