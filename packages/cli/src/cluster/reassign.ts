import { setTimeout as sleep } from 'node:timers/promises';
import { alterReassignments, listReassignments } from '@odradek/client/admin/reassignments.ts';
import type { Cluster } from '@odradek/client/cluster/cluster.ts';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { type ClientArguments, withClientOptions, withCluster } from '../client-options.ts';
import { withExamples } from '../examples.ts';
import { jsonText, tableText } from '../output/table.ts';
import { CommandError, ExitCode, type Terminal, usageError } from '../terminal.ts';
import { type ClusterView, viewOf } from './cluster-view.ts';
import { failIfRefused } from './elect.ts';
import { planText, readPlan, writePlan } from './plan-file.ts';
import { type PlannedPartition, planReassignment } from './reassignment-plan.ts';
import { removeThrottle, setThrottle } from './throttle.ts';

interface PlanArguments extends ClientArguments {
  readonly brokers?: readonly number[];
  readonly topics?: readonly string[];
  readonly replicationFactor?: number;
}

interface ExecuteArguments extends ClientArguments {
  readonly throttle?: number;
  readonly before?: string;
  readonly wait?: number;
}

interface FinishArguments extends ClientArguments {
  readonly wait?: number;
}

const LOOK_INTERVAL_MS = 500;
/** The controller knows that a move is done before all brokers do. */
const GRACE_MS = 5_000;

export function registerReassignment(cluster: Command, terminal: Terminal): void {
  const reassign = cluster
    .command('reassign')
    .description(
      'Moves partitions between brokers. Plans are JSON as kafka-reassign-partitions reads and writes it.',
    );
  registerPlan(reassign, terminal);
  registerExecution(reassign, terminal);
  withClientOptions(
    reassign
      .command('status')
      .description('Lists what is being moved.')
      .option('--json', 'as one JSON array')
      .action((given: ClientArguments & { json?: true }) => status(given, terminal)),
  );
  const cancelling = reassign
    .command('cancel')
    .description('Takes back what is under way: all, or the partitions of a plan. What is done stays so.')
    .argument('[plan]', 'a file')
    .action((file: string | undefined, given: ClientArguments) => cancel(file, given, terminal));
  withClientOptions(cancelling);
}

function registerPlan(reassign: Command, terminal: Terminal): void {
  const command = reassign
    .command('plan')
    .description(
      'Prints a plan that spreads replicas and leaders evenly, over racks too, with few moves. It changes nothing.',
    )
    .option('--brokers <id,...>', 'those that hold replicas in the end; default: all', (text) =>
      text.split(',').map((id) => wholeNumber('--brokers', id)),
    )
    .option('--topics <name,...>', 'default: all', (text) => text.split(','))
    .option('-r, --replication-factor <count>', 'default: as it is', (text) =>
      wholeNumber('--replication-factor', text, { min: 1, max: 32_767 }),
    )
    .action((given: PlanArguments) => plan(given, terminal));
  withExamples(withClientOptions(command), [
    ['Empty broker 4 of 1 to 4', 'odradek cluster reassign plan --brokers 1,2,3 > plan.json'],
    ['Three copies of a topic', 'odradek cluster reassign plan --topics orders -r 3 > plan.json'],
  ]);
}

function registerExecution(reassign: Command, terminal: Terminal): void {
  const wait = (text: string) => wholeNumber('--wait', text, { min: 1, max: 1_000_000 });
  const executing = reassign
    .command('execute')
    .description('Begins to move partitions as a plan says. The brokers go on with it by themselves.')
    .argument('<plan>', 'a file')
    .option('--throttle <bytes>', 'most bytes per second that each broker gives and takes for it', (text) =>
      wholeNumber('--throttle', text, { min: 1 }),
    )
    .option('--before <file>', 'write the assignment that there was into a new file, as a plan')
    .option('--wait <seconds>', 'wait until it is done, at most so long, and take the throttle away', wait)
    .action((file: string, given: ExecuteArguments) => execute(file, given, terminal));
  withExamples(withClientOptions(executing), [
    [
      'At 50 MB per second, with a way back',
      'odradek cluster reassign execute plan.json --throttle 50000000 --before before.json',
    ],
  ]);
  const finishing = reassign
    .command('finish')
    .description(
      'Says whether a plan is carried out, and takes its throttle away then. Exit code 3: not yet.',
    )
    .argument('<plan>', 'a file')
    .option('--wait <seconds>', 'wait until it is, at most so long', wait)
    .action((file: string, given: FinishArguments) => finish(file, given, terminal));
  withClientOptions(finishing);
}

async function plan(given: PlanArguments, terminal: Terminal): Promise<void> {
  const view = await withCluster(given, terminal, viewOf);
  const brokers = given.brokers ?? view.brokers.map(({ nodeId }) => nodeId);
  const wanted = brokers.map((id) => {
    const broker = view.brokers.find(({ nodeId }) => nodeId === id);
    if (broker === undefined) throw usageError(`--brokers: there is no broker ${id}`);
    return broker;
  });
  const missing = (given.topics ?? []).find((name) => !view.partitions.some(({ topic }) => topic === name));
  if (missing !== undefined) throw usageError(`--topics: there is no topic "${missing}"`);
  const partitions = view.partitions.filter(({ topic }) => given.topics?.includes(topic) ?? true);
  try {
    const goal = { brokers: wanted, replicationFactor: given.replicationFactor ?? null };
    terminal.stdout.write(planText(planReassignment(partitions, goal)));
  } catch (error) {
    if (error instanceof RangeError) throw usageError(error.message);
    throw error;
  }
}

async function execute(file: string, given: ExecuteArguments, terminal: Terminal): Promise<void> {
  const planned = readPlan(file);
  await withCluster(given, terminal, async (cluster) => {
    const view = await viewOf(cluster);
    refuseUnknown(planned, view);
    if (given.before !== undefined) writePlan(given.before, present(planned, view));
    if (given.throttle !== undefined) await setThrottle(cluster, planned, view.partitions, given.throttle);
    const refusals = await alterReassignments(cluster, planned);
    const begun = planned.length - refusals.length;
    terminal.stdout.write(`The move of ${begun} partitions has begun.\n`);
    failIfRefused(refusals, terminal);
    if (given.wait !== undefined) await untilDone(cluster, planned, given.wait, terminal);
    else if (given.throttle !== undefined) {
      terminal.stdout.write(
        `When it is done, this takes the throttle away: odradek cluster reassign finish ${file}\n`,
      );
    }
  });
}

async function finish(file: string, given: FinishArguments, terminal: Terminal): Promise<void> {
  const planned = readPlan(file);
  await withCluster(given, terminal, (cluster) => untilDone(cluster, planned, given.wait ?? 0, terminal));
}

/** @throws CommandError when it is not done in time, or came out otherwise than planned */
async function untilDone(
  cluster: Cluster,
  planned: readonly PlannedPartition[],
  waitSeconds: number,
  terminal: Terminal,
): Promise<void> {
  const deadlineMs = performance.now() + waitSeconds * 1_000;
  for (;;) {
    const view = await viewOf(cluster);
    const left = view.moving.filter(({ topic, partition }) =>
      planned.some((each) => each.topic === topic && each.partition === partition),
    );
    if (left.length === 0) {
      await removeThrottle(cluster, new Set(planned.map(({ topic }) => topic)), view.moving.length > 0);
      return report(planned, await settledView(cluster, planned), terminal);
    }
    if (performance.now() >= deadlineMs) {
      const message = `${left.length} of ${planned.length} partitions are still being moved`;
      throw new CommandError(message, { exitCode: ExitCode.NOT_WELL });
    }
    await sleep(Math.min(LOOK_INTERVAL_MS, Math.max(1, deadlineMs - performance.now())));
  }
}

/** As planned; else what there is when brokers have had the time to hear of it. */
async function settledView(cluster: Cluster, planned: readonly PlannedPartition[]): Promise<ClusterView> {
  const deadlineMs = performance.now() + GRACE_MS;
  for (;;) {
    const view = await viewOf(cluster);
    if (deviations(planned, view).length === 0 || performance.now() >= deadlineMs) return view;
    await sleep(LOOK_INTERVAL_MS);
  }
}

interface Deviation extends PlannedPartition {
  /** Where it is; null: it is gone. */
  readonly actual: readonly number[] | null;
}

function deviations(planned: readonly PlannedPartition[], view: ClusterView): Deviation[] {
  const now = new Map(present(planned, view).map((each) => [nameOf(each), each.replicas]));
  return planned
    .map((each) => ({ ...each, actual: now.get(nameOf(each)) ?? null }))
    .filter(({ replicas, actual }) => actual?.join() !== replicas.join());
}

function report(planned: readonly PlannedPartition[], view: ClusterView, terminal: Terminal): void {
  const others = deviations(planned, view);
  for (const each of others) {
    const actual = each.actual?.join() ?? 'nothing';
    terminal.stderr.write(`odradek: ${nameOf(each)} is on ${actual}, planned was ${each.replicas.join()}\n`);
  }
  if (others.length > 0) throw new CommandError(`${others.length} partitions are not where they were to be`);
  terminal.stdout.write(`All ${planned.length} partitions are where they were to be.\n`);
}

async function status(given: ClientArguments & { json?: true }, terminal: Terminal): Promise<void> {
  const moving = await withCluster(given, terminal, listReassignments);
  if (given.json === true) terminal.stdout.write(jsonText(moving));
  else if (moving.length === 0) terminal.stdout.write('Nothing is being moved.\n');
  else {
    const rows = moving.map(({ topic, partition, replicas, adding, removing }) => [
      ...[topic, partition, replicas.join(','), adding.join(','), removing.join(',')],
    ]);
    terminal.stdout.write(
      tableText(['TOPIC', 'PARTITION', 'REPLICAS', 'ADDING', 'REMOVING'], rows, terminal),
    );
  }
}

async function cancel(file: string | undefined, given: ClientArguments, terminal: Terminal): Promise<void> {
  const planned = file === undefined ? null : readPlan(file);
  await withCluster(given, terminal, async (cluster) => {
    const moving = await listReassignments(cluster);
    const names = planned === null ? null : new Set(planned.map(nameOf));
    const wanted = moving.filter((each) => names?.has(nameOf(each)) ?? true);
    const refusals = await alterReassignments(
      cluster,
      wanted.map(({ topic, partition }) => ({ topic, partition, replicas: null })),
    );
    terminal.stdout.write(`The move of ${wanted.length - refusals.length} partitions is taken back.\n`);
    failIfRefused(refusals, terminal);
    const topics = new Set([...wanted, ...(planned ?? [])].map(({ topic }) => topic));
    await removeThrottle(cluster, topics, moving.length > wanted.length);
  });
}

function refuseUnknown(planned: readonly PlannedPartition[], view: ClusterView): void {
  const known = new Set(view.partitions.map(nameOf));
  const unknown = planned.find((each) => !known.has(nameOf(each)));
  if (unknown !== undefined) throw usageError(`there is no partition ${nameOf(unknown)}`);
}

function present(planned: readonly PlannedPartition[], { partitions }: ClusterView): PlannedPartition[] {
  const names = new Set(planned.map(nameOf));
  return partitions
    .filter((each) => names.has(nameOf(each)))
    .map(({ topic, partition, replicas }) => ({ topic, partition, replicas }));
}

function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}-${partition}`;
}
