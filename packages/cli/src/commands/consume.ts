import type { ConsumerOptions } from '@odradek/client/consumer/consumer-options.ts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { collect, pointInTime, unescaped, wholeNumber } from '../arguments.ts';
import { clusterOptions, withClientOptions, type ClientArguments } from '../client-options.ts';
import { withExamples } from '../examples.ts';
import { failureLine } from '../failure.ts';
import { FRAMINGS, type Framing } from '../framing.ts';
import { PRINTABLE_FIELDS, recordFormatter, type PrintableField } from '../output/record-formatter.ts';
import { RecordWriter } from '../output/record-writer.ts';
import { openGroup, openPartitions, type Beginning, type RecordSource } from '../record-source.ts';
import { onStopSignal } from '../stop-signal.ts';
import { CommandError, type Terminal } from '../terminal.ts';

interface ConsumeArguments extends ClientArguments {
  readonly group?: string;
  readonly partition?: readonly number[];
  readonly fromBeginning?: true;
  readonly from?: Beginning;
  readonly toEnd?: true;
  readonly count?: number;
  readonly idleTimeout?: number;
  readonly keySeparator?: string;
  readonly print?: readonly PrintableField[];
  readonly separator: string;
  readonly nullMarker?: string;
  readonly json?: true;
  readonly framing: Framing;
  readonly isolation: 'read_uncommitted' | 'read_committed';
}

const PARTITION_MAX = 2 ** 31 - 1;
/** Bounds what is in memory: an answer that is being written, and one under way. */
const FETCH_MAX_BYTES = 4 * 1024 * 1024;
const POLL_MS = 1_000;
/** A topic that was just made may take so long to be known everywhere; one that is not there will not come. */
const TOPIC_WAIT_MAX_MS = 2_000;
/** A leader that moves is no news. */
const WORRY_AFTER_MS = 2_000;

export function register(program: Command, terminal: Terminal): void {
  const command = program
    .command('consume')
    .description(
      'Writes records to the standard output until Ctrl+C.\n' +
        'Begins with what comes from now on, unless told otherwise.',
    )
    .argument('<topic...>');
  addWhere(command);
  addHowLong(command);
  addFormat(command);
  command.action((topics: string[], given: ConsumeArguments) => consume(topics, given, terminal));
  withExamples(withClientOptions(command), [
    ['All that is there, then stop', 'odradek consume orders --from-beginning --to-end'],
    ['The last ten records of each partition, and what comes', 'odradek consume orders --from -10'],
    [
      'One record by its offset, with everything that belongs to it',
      'odradek consume orders -p 3 --from 4711 -n 1 --json',
    ],
    ['Since this morning, with keys', "odradek consume orders --from 2026-01-31T06:00:00Z -k ': '"],
    [
      'As a member of a group, committing what was written',
      'odradek consume orders -g audit --from-beginning',
    ],
  ]);
}

function addWhere(command: Command): void {
  command
    .addOption(
      new Option(
        '-g, --group <id>',
        'as a member of this group, from where it is; what was written is committed',
      ).conflicts(['partition', 'toEnd']),
    )
    .option(
      '-p, --partition <number>',
      'only this one; may be repeated',
      collect((text) => wholeNumber('--partition', text, { max: PARTITION_MAX })),
    )
    .addOption(
      new Option(
        '--from-beginning',
        'begin with the oldest record; with --group, where it has committed nothing',
      ).conflicts('from'),
    )
    .addOption(
      new Option(
        '--from <where>',
        'begin here: beginning, end, an offset, -N for N records before the end, a time (ISO 8601)',
      )
        .argParser(beginningOf)
        .conflicts('group'),
    )
    .addOption(
      new Option('--isolation <level>', 'read_committed leaves out open and aborted transactions')
        .choices(['read_uncommitted', 'read_committed'])
        .default('read_uncommitted'),
    );
}

function addHowLong(command: Command): void {
  command
    .option('--to-end', 'stop at what is the end when starting')
    .option('-n, --count <number>', 'stop after so many records', (text) =>
      wholeNumber('--count', text, { min: 1 }),
    )
    .option('--idle-timeout <seconds>', 'stop when no record came for so long', (text) =>
      wholeNumber('--idle-timeout', text, { min: 1, max: 86_400 }),
    );
}

function addFormat(command: Command): void {
  command
    .addOption(
      new Option('-k, --key-separator <text>', 'write key, this, value; \\t is a tab')
        .argParser(unescaped)
        .conflicts(['print', 'json']),
    )
    .addOption(
      new Option('--print <fields>', `what to write, of ${PRINTABLE_FIELDS.join(',')} (default: value)`)
        .argParser(fieldsOf)
        .conflicts('json'),
    )
    .option('--separator <text>', 'between fields', unescaped, '\t')
    .option('--null-marker <text>', 'how a null key or value is written (default: as nothing)')
    .option('--json', 'a JSON object per record; bytes that are not UTF-8 as {"base64": ...}')
    .addOption(
      new Option('--framing <end>', 'what ends a record').choices(FRAMINGS).default('newline' as Framing),
    );
}

async function consume(
  topics: readonly string[],
  given: ConsumeArguments,
  terminal: Terminal,
): Promise<void> {
  const source = await open(topics, given, terminal);
  const writer = new RecordWriter(terminal.stdout, formatterFor(given), given.count ?? Infinity);
  const removeStop = onStopSignal(() => {
    writer.stop();
    source.wake();
  });
  writer.onGone(() => source.wake());
  try {
    await pump(source, writer, given, terminal);
  } catch (error) {
    // What went wrong first is what matters; a cluster that is gone takes no commit either.
    await source.close().catch(() => undefined);
    throw error;
  } finally {
    removeStop();
  }
  await source.close();
}

function open(topics: readonly string[], given: ConsumeArguments, terminal: Terminal): Promise<RecordSource> {
  const options: ConsumerOptions = {
    ...clusterOptions(given, terminal),
    fetchMaxBytes: FETCH_MAX_BYTES,
    offsetReset: given.fromBeginning === true ? 'earliest' : 'latest',
    isolationLevel: given.isolation,
  };
  if (given.group !== undefined) return openGroup(topics, given.group, options);
  const choice = {
    topics,
    partitions: given.partition ?? [],
    from: given.fromBeginning === true ? 'earliest' : (given.from ?? 'latest'),
    toEnd: given.toEnd === true,
    topicWaitMs: Math.min(given.timeout * 1_000, TOPIC_WAIT_MAX_MS),
  };
  return openPartitions(choice, options);
}

async function pump(
  source: RecordSource,
  writer: RecordWriter,
  given: ConsumeArguments,
  terminal: Terminal,
): Promise<void> {
  const idleLimitMs = (given.idleTimeout ?? Infinity) * 1_000;
  const worries = new Worries(given.timeout * 1_000, terminal);
  let lastRecordMs = performance.now();
  while (!writer.isDone && !source.isAtEnd) {
    const idleMs = performance.now() - lastRecordMs;
    if (idleMs >= idleLimitMs) return;
    const fetched = await source.poll(Math.min(POLL_MS, idleLimitMs - idleMs));
    for (const batch of fetched) {
      const nextOffset = await writer.write(batch);
      if (nextOffset !== null) source.written(batch, nextOffset);
      if (batch.records.length > 0) lastRecordMs = performance.now();
      if (writer.isDone) return;
    }
    worries.look(source);
  }
}

/** Says when records do not come because the cluster does not answer, and gives up in time. */
class Worries {
  private readonly limitMs: number;
  private readonly terminal: Terminal;
  private isTold = false;

  constructor(limitMs: number, terminal: Terminal) {
    this.limitMs = limitMs;
    this.terminal = terminal;
  }

  /** @throws CommandError when it has lasted too long */
  look({ trouble }: RecordSource): void {
    if (trouble === null) {
      this.isTold = false;
      return;
    }
    const forMs = performance.now() - trouble.sinceMs;
    const reason = failureLine(trouble.error);
    if (forMs >= this.limitMs) {
      throw new CommandError(`no records for ${this.limitMs / 1_000} s: ${reason}`, { cause: trouble.error });
    }
    if (forMs < WORRY_AFTER_MS || this.isTold) return;
    this.isTold = true;
    this.terminal.stderr.write(`odradek: ${reason}; trying for ${this.limitMs / 1_000} s\n`);
  }
}

function formatterFor(given: ConsumeArguments): ReturnType<typeof recordFormatter> {
  const { keySeparator, framing, nullMarker } = given;
  return recordFormatter({
    json: given.json === true,
    fields: keySeparator === undefined ? (given.print ?? ['value']) : ['key', 'value'],
    separator: keySeparator ?? given.separator,
    nullMarker: nullMarker ?? '',
    framing,
  });
}

function beginningOf(text: string): Beginning {
  if (text === 'beginning') return 'earliest';
  if (text === 'end') return 'latest';
  if (/^-\d+$/.test(text)) return { beforeEnd: wholeNumber('--from', text.slice(1)) };
  if (/^\d+$/.test(text)) return wholeNumber('--from', text);
  return { timestampMs: pointInTime('--from', text) };
}

function fieldsOf(text: string): PrintableField[] {
  return text.split(',').map((field) => {
    if (isPrintable(field)) return field;
    throw new InvalidArgumentError(`"${field}" is no field; there are ${PRINTABLE_FIELDS.join(', ')}`);
  });
}

function isPrintable(field: string): field is PrintableField {
  return (PRINTABLE_FIELDS as readonly string[]).includes(field);
}
