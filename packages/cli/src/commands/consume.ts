import { Consumer } from '@odradek/client/consumer/consumer.ts';
import type { ConsumerOptions } from '@odradek/client/consumer/consumer-options.ts';
import type { FetchedRecords, StartOffset } from '@odradek/client/consumer/fetcher.ts';
import { GroupConsumer } from '@odradek/client/consumer/group-consumer.ts';
import { listOffsets } from '@odradek/client/consumer/list-offsets.ts';
import { partitionKey, type TopicPartition } from '@odradek/client/cluster/topic-partition.ts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { collect, pointInTime, unescaped, wholeNumber } from '../arguments.ts';
import { clusterOptions, withClientOptions, type ClientArguments } from '../client-options.ts';
import { FRAMINGS, type Framing } from '../framing.ts';
import { PRINTABLE_FIELDS, recordFormatter, type PrintableField } from '../output/record-formatter.ts';
import { RecordWriter } from '../output/record-writer.ts';
import { usageError, type Terminal } from '../terminal.ts';

interface ConsumeArguments extends ClientArguments {
  readonly group?: string;
  readonly partition: readonly number[];
  readonly fromBeginning?: true;
  readonly from?: StartOffset;
  readonly toEnd?: true;
  readonly count?: number;
  readonly idleTimeout?: number;
  readonly keySeparator?: string;
  readonly print?: readonly PrintableField[];
  readonly separator: string;
  readonly nullMarker: string;
  readonly json?: true;
  readonly framing: Framing;
  readonly isolation: 'read_uncommitted' | 'read_committed';
}

const PARTITION_MAX = 2 ** 31 - 1;
/** Bounds what is in memory: an answer that is being written, and one under way. */
const FETCH_MAX_BYTES = 4 * 1024 * 1024;
const POLL_MS = 1_000;

export function register(program: Command, terminal: Terminal): void {
  withClientOptions(program.command('consume'))
    .description('Writes records to the standard output until it is stopped (Ctrl+C).')
    .argument('<topic...>')
    .addOption(
      new Option('-g, --group <id>', 'as a member of this group, from where it is, committing').conflicts([
        'partition',
        'toEnd',
      ]),
    )
    .option(
      '-p, --partition <number>',
      'only this one; may be repeated',
      collect((text) => wholeNumber('--partition', text, { max: PARTITION_MAX })),
      [],
    )
    .addOption(
      new Option('--from-beginning', 'also what is there; with --group where it has no offset').conflicts(
        'from',
      ),
    )
    .addOption(
      new Option('--from <where>', 'beginning, end, an offset or a time (ISO 8601)')
        .argParser(startOf)
        .conflicts('group'),
    )
    .option('--to-end', 'stop at what is the end when starting')
    .option('-n, --count <number>', 'stop after so many records', (text) =>
      wholeNumber('--count', text, { min: 1 }),
    )
    .option('--idle-timeout <seconds>', 'stop when no record came for so long', (text) =>
      wholeNumber('--idle-timeout', text, { min: 1, max: 86_400 }),
    )
    .option('-k, --key-separator <text>', 'write key, this, value; \\t is a tab', unescaped)
    .option('--print <fields>', `what to write, of ${PRINTABLE_FIELDS.join(',')} (default: value)`, fieldsOf)
    .option('--separator <text>', 'between fields', unescaped, '\t')
    .option('--null-marker <text>', 'how a null key or value is written', '')
    .option('--json', 'a JSON object per record; bytes that are not UTF-8 as {"base64": ...}')
    .addOption(
      new Option('--framing <end>', 'what ends a record').choices(FRAMINGS).default('newline' as Framing),
    )
    .addOption(
      new Option('--isolation <level>', 'read_committed leaves out open and aborted transactions')
        .choices(['read_uncommitted', 'read_committed'])
        .default('read_uncommitted'),
    )
    .action((topics: string[], given: ConsumeArguments) => consume(topics, given, terminal));
}

async function consume(
  topics: readonly string[],
  given: ConsumeArguments,
  terminal: Terminal,
): Promise<void> {
  if (given.keySeparator !== undefined && given.print !== undefined) {
    throw usageError('--key-separator and --print exclude each other');
  }
  const source =
    given.group === undefined
      ? await openPartitions(topics, given, terminal)
      : await openGroup(topics, given.group, given, terminal);
  const writer = new RecordWriter(terminal.stdout, formatterFor(given), given.count ?? Infinity);
  const removeStop = onStop(() => {
    writer.stop();
    source.wake();
  });
  writer.onGone(() => source.wake());
  try {
    await pump(source, writer, given);
  } finally {
    removeStop();
    await source.close();
  }
}

/** Where records come from: named partitions, or what a group assigns. */
interface RecordSource {
  poll(timeoutMs: number): Promise<readonly FetchedRecords[]>;
  /** The records of a partition before this offset were written. */
  written(at: TopicPartition, nextOffset: number): void;
  isAtEnd(): boolean;
  wake(): void;
  close(): Promise<void>;
}

async function pump(source: RecordSource, writer: RecordWriter, given: ConsumeArguments): Promise<void> {
  const idleLimitMs = (given.idleTimeout ?? Infinity) * 1_000;
  let lastRecordMs = performance.now();
  while (!writer.isDone && !source.isAtEnd()) {
    const idleMs = performance.now() - lastRecordMs;
    if (idleMs >= idleLimitMs) return;
    const fetched = await source.poll(Math.min(POLL_MS, idleLimitMs - idleMs));
    for (const batch of fetched) {
      const nextOffset = await writer.write(batch);
      if (nextOffset !== null) source.written(batch, nextOffset);
      if (batch.records.length > 0) lastRecordMs = performance.now();
      if (writer.isDone) return;
    }
  }
}

async function openPartitions(
  topics: readonly string[],
  given: ConsumeArguments,
  terminal: Terminal,
): Promise<RecordSource> {
  const consumer = new Consumer(consumerOptions(given, terminal));
  try {
    await consumer.connect();
    const assigned: TopicPartition[] = [];
    for (const topic of topics) {
      const partitions = given.partition.length > 0 ? given.partition : await consumer.partitionsOf(topic);
      for (const partition of partitions) assigned.push({ topic, partition });
    }
    const from: StartOffset = given.fromBeginning === true ? 'earliest' : (given.from ?? 'latest');
    await consumer.assign(assigned.map((at) => ({ ...at, from })));
    const ends = given.toEnd === true ? await endsOf(consumer, assigned) : null;
    return partitionSource(consumer, ends);
  } catch (error) {
    consumer.close();
    throw error;
  }
}

async function endsOf(
  consumer: Consumer,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, { at: TopicPartition; end: number }>> {
  const found = await listOffsets(
    consumer.cluster,
    partitions.map((at) => ({ ...at, at: 'latest' })),
  );
  return new Map(
    partitions.map((at) => [partitionKey(at), { at, end: found.get(partitionKey(at))!.offset }]),
  );
}

function partitionSource(
  consumer: Consumer,
  ends: ReadonlyMap<string, { at: TopicPartition; end: number }> | null,
): RecordSource {
  const done = new Map<string, number>();
  const reached = (key: string, at: TopicPartition, end: number): boolean => {
    const written = done.get(key);
    if (written !== undefined) return written >= end;
    // Nothing was written, so the position is where reading began.
    return (consumer.position(at) ?? -1) >= end;
  };
  return {
    poll: (timeoutMs) => consumer.poll(ends === null ? timeoutMs : Math.min(timeoutMs, 100)),
    written: (at, nextOffset) => void done.set(partitionKey(at), nextOffset),
    isAtEnd: () => ends !== null && [...ends].every(([key, { at, end }]) => reached(key, at, end)),
    wake: () => consumer.wake(),
    close: async () => consumer.close(),
  };
}

async function openGroup(
  topics: readonly string[],
  groupId: string,
  given: ConsumeArguments,
  terminal: Terminal,
): Promise<RecordSource> {
  const consumer = new GroupConsumer({ ...consumerOptions(given, terminal), groupId, topics });
  try {
    await consumer.connect();
  } catch (error) {
    await consumer.close();
    throw error;
  }
  return {
    poll: (timeoutMs) => consumer.poll(timeoutMs),
    written: ({ topic, partition }, offset) => consumer.markProcessed([{ topic, partition, offset }]),
    isAtEnd: () => false,
    wake: () => consumer.wake(),
    close: () => consumer.close(),
  };
}

function consumerOptions(given: ConsumeArguments, terminal: Terminal): ConsumerOptions {
  return {
    ...clusterOptions(given, terminal),
    fetchMaxBytes: FETCH_MAX_BYTES,
    offsetReset: given.fromBeginning === true ? 'earliest' : 'latest',
    isolationLevel: given.isolation,
  };
}

function formatterFor(given: ConsumeArguments): ReturnType<typeof recordFormatter> {
  const { keySeparator, framing, nullMarker } = given;
  return recordFormatter({
    json: given.json === true,
    fields: keySeparator === undefined ? (given.print ?? ['value']) : ['key', 'value'],
    separator: keySeparator ?? given.separator,
    nullMarker,
    framing,
  });
}

/** Runs `stop` on the first Ctrl+C or SIGTERM; the second ends the process at once. @returns removes it */
function onStop(stop: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const handle = (): void => {
    remove();
    stop();
  };
  const remove = (): void => signals.forEach((signal) => void process.off(signal, handle));
  signals.forEach((signal) => void process.on(signal, handle));
  return remove;
}

function startOf(text: string): StartOffset {
  if (text === 'beginning') return 'earliest';
  if (text === 'end') return 'latest';
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
