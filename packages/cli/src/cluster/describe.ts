import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '@odradek/client/cluster/cluster.ts';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { type ClientArguments, withClientOptions, withCluster } from '../client-options.ts';
import { withExamples } from '../examples.ts';
import { jsonText, tableText } from '../output/table.ts';
import { onStopSignal } from '../stop-signal.ts';
import { CommandError, ExitCode, type Terminal } from '../terminal.ts';
import { type ClusterView, viewOf } from './cluster-view.ts';
import { awayFromPreferred, loadOf, type TroubledPartition, troubles, troublesWithout } from './health.ts';

interface DescribeArguments extends ClientArguments {
  readonly json?: true;
  /** Seconds between two looks; true: the default. */
  readonly watch?: number | true;
}

interface CheckArguments extends ClientArguments {
  readonly json?: true;
  /** Seconds. */
  readonly wait?: number;
  readonly brokers?: number;
  readonly without?: number;
}

const WATCH_DEFAULT_SECONDS = 2;
const LOOK_INTERVAL_MS = 500;
/** Rows of troubled partitions that people are shown; `--json` has all. */
const ROWS_MAX = 50;
const CLEAR_SCREEN = '\u001B[H\u001B[2J';

export function registerHealth(cluster: Command, terminal: Terminal): void {
  const describing = cluster
    .command('describe')
    .description(
      'Shows brokers, racks, the controller, and partitions that are offline, under min.insync.replicas or\n' +
        'under-replicated.',
    )
    .option('--json', 'as one JSON object; with --watch one line for each look')
    .option('-w, --watch [seconds]', 'again and again until Ctrl+C', (text) =>
      wholeNumber('--watch', text, { min: 1, max: 86_400 }),
    )
    .action((given: DescribeArguments) => describe(given, terminal));
  withExamples(withClientOptions(describing), [
    ['How is it', 'odradek cluster describe -b broker1:9092'],
    ['Watch a broker come back', 'odradek cluster describe --watch'],
  ]);
  const checking = cluster
    .command('check')
    .description(
      'Says whether all is well: all partitions led and in sync. Exit code 3 when it is not.\n' +
        'With --without, whether a broker may be stopped: nothing goes offline or under min.insync.replicas.',
    )
    .option('--wait <seconds>', 'go on looking until it is, at most so long', seconds('--wait'))
    .option('--brokers <count>', 'so many brokers must be there', seconds('--brokers'))
    .option('--without <broker>', 'a broker that is to be stopped', (text) => wholeNumber('--without', text))
    .option('--json', 'what is wrong, as one JSON object')
    .action((given: CheckArguments) => check(given, terminal));
  withExamples(withClientOptions(checking), [
    ['Before a broker is restarted', 'odradek cluster check --without 2 --wait 600'],
    ['And after, before the next one', 'odradek cluster check --brokers 3 --wait 600'],
  ]);
}

function seconds(option: string): (text: string) => number {
  return (text) => wholeNumber(option, text, { min: 1, max: 86_400 });
}

async function describe(given: DescribeArguments, terminal: Terminal): Promise<void> {
  const { watch } = given;
  await withCluster(given, terminal, async (cluster) => {
    if (watch === undefined) return show(await viewOf(cluster), given, terminal);
    const stopping = new AbortController();
    const removeSignal = onStopSignal(() => stopping.abort());
    const everyMs = (watch === true ? WATCH_DEFAULT_SECONDS : watch) * 1_000;
    try {
      while (!stopping.signal.aborted && !terminal.stdout.destroyed) {
        const view = await viewOf(cluster);
        if (given.json === true) terminal.stdout.write(`${JSON.stringify(summaryOf(view))}\n`);
        else
          terminal.stdout.write((terminal.stdout.isTTY === true ? CLEAR_SCREEN : '') + text(view, terminal));
        await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
      }
    } finally {
      removeSignal();
    }
  });
}

function show(view: ClusterView, { json }: DescribeArguments, terminal: Terminal): void {
  terminal.stdout.write(json === true ? jsonText(summaryOf(view)) : text(view, terminal));
}

function summaryOf(view: ClusterView) {
  const { clusterId, controllerId, brokers, partitions, moving } = view;
  return {
    clusterId,
    controllerId,
    brokers: brokers.map((broker) => ({ ...broker, ...loadOf(view, broker.nodeId) })),
    topics: new Set(partitions.map(({ topic }) => topic)).size,
    partitions: partitions.length,
    awayFromPreferred: awayFromPreferred(view).length,
    moving,
    troubles: troubles(view),
  };
}

function text(view: ClusterView, terminal: Terminal): string {
  const { clusterId, controllerId, brokers, topics, partitions, moving } = summaryOf(view);
  const head = [
    `Cluster ${clusterId ?? '(without id)'}`,
    controllerId < 0 ? 'no controller' : `controller ${controllerId}`,
    `topics ${topics}`,
    `partitions ${partitions}`,
  ].join(', ');
  const rows = brokers.map(({ nodeId, host, port, rack, leads, preferred, replicas }) => [
    ...[nodeId, `${host}:${port}`, rack, leads, preferred, replicas],
  ]);
  const headings = ['BROKER', 'ADDRESS', 'RACK', 'LEADS', 'SHOULD LEAD', 'REPLICAS'];
  const parts = [`${head}\n${tableText(headings, rows, terminal)}`, troubleText(troubles(view), terminal)];
  if (moving.length > 0)
    parts.push(`${moving.length} partitions are being moved: odradek cluster reassign status\n`);
  return parts.join('\n');
}

function troubleText(found: readonly TroubledPartition[], terminal: Terminal): string {
  if (found.length === 0) return 'All partitions are led and in sync.\n';
  const counts = [...Map.groupBy(found, ({ trouble }) => trouble)].map(
    ([trouble, of]) => `${of.length} ${trouble}`,
  );
  const rows = found
    .slice(0, ROWS_MAX)
    .map(({ topic, partition, trouble, leaderId, replicas, isr }) => [
      ...[topic, partition, trouble, leaderId < 0 ? 'none' : leaderId, replicas.join(','), isr.join(',')],
    ]);
  const table = tableText(['TOPIC', 'PARTITION', 'TROUBLE', 'LEADER', 'REPLICAS', 'IN SYNC'], rows, terminal);
  const more = found.length > ROWS_MAX ? `... and ${found.length - ROWS_MAX} more; --json shows all\n` : '';
  return `Partitions: ${counts.join(', ')}\n${table}${more}`;
}

async function check(given: CheckArguments, terminal: Terminal): Promise<void> {
  const deadlineMs = performance.now() + (given.wait ?? 0) * 1_000;
  await withCluster(given, terminal, async (cluster) => {
    for (;;) {
      const { complaint, found } = await verdict(cluster, given);
      const isOver = performance.now() >= deadlineMs;
      if (complaint === null || isOver) {
        if (given.json === true)
          terminal.stdout.write(jsonText({ ok: complaint === null, complaint, troubles: found }));
        else if (complaint === null) terminal.stdout.write('All is well.\n');
        else if (found.length > 0) terminal.stdout.write(troubleText(found, terminal));
        if (complaint !== null) throw new CommandError(complaint, { exitCode: ExitCode.NOT_WELL });
        return;
      }
      await sleep(Math.min(LOOK_INTERVAL_MS, deadlineMs - performance.now()));
    }
  });
}

interface Verdict {
  /** Null: all is well. */
  readonly complaint: string | null;
  readonly found: readonly TroubledPartition[];
}

async function verdict(cluster: Cluster, given: CheckArguments): Promise<Verdict> {
  const view = await viewOf(cluster);
  const { controllerId, brokers, moving } = view;
  const found = troubles(view);
  const fail = (complaint: string, of: readonly TroubledPartition[] = []): Verdict => ({
    complaint,
    found: of,
  });
  if (controllerId < 0) return fail('the cluster has no controller');
  if (given.brokers !== undefined && brokers.length < given.brokers) {
    return fail(`${brokers.length} brokers are there, ${given.brokers} are expected`);
  }
  if (found.length > 0) return fail(`${found.length} partitions are not well`, found);
  if (given.without === undefined) return { complaint: null, found };
  const lost = troublesWithout(view, given.without);
  if (lost.length > 0)
    return fail(`without broker ${given.without} ${lost.length} partitions are not well`, lost);
  return moving.length === 0
    ? { complaint: null, found }
    : fail(`${moving.length} partitions are being moved`);
}
