import { COMPRESSION_NAMES, type CompressionName } from '@odradek/client/producer/producer-options.ts';
import { Producer } from '@odradek/client/producer/producer.ts';
import type { ProducerRecord } from '@odradek/client';
import type { RecordHeader } from '@odradek/protocol/records/record.ts';
import { Option, type Command } from 'commander';
import { collect, nameAndValue, unescaped, wholeNumber } from '../arguments.ts';
import { clusterOptions, withClientOptions, type ClientArguments } from '../client-options.ts';
import { withExamples } from '../examples.ts';
import { failureLine } from '../failure.ts';
import { FRAMINGS, pieces, type Framing } from '../framing.ts';
import { parseRecordJson } from '../record-json.ts';
import { onStopSignal } from '../stop-signal.ts';
import { CommandError, type Terminal } from '../terminal.ts';

interface ProduceArguments extends ClientArguments {
  readonly keySeparator?: string;
  readonly nullMarker?: string;
  readonly header?: readonly (readonly [string, string])[];
  readonly partition?: number;
  readonly json?: true;
  readonly framing: Framing;
  readonly acks: 'all' | '1' | '0';
  readonly compression: CompressionName;
  readonly idempotence: boolean;
  readonly batchSize: number;
  readonly linger: number;
  readonly maxRequestSize: number;
  readonly quiet?: true;
}

const PARTITION_MAX = 2 ** 31 - 1;
const BATCH_SIZE_DEFAULT = 128 * 1024;
const LINGER_DEFAULT_MS = 5;
const REQUEST_SIZE_DEFAULT = 1024 * 1024;
const REQUEST_SIZE_MAX = 1024 ** 3;
/** A topic that was just made may take so long to be known everywhere; one that is not there will not come. */
const TOPIC_WAIT_MAX_MS = 5_000;
/** Enough to keep several partitions busy; records of few bytes cost many times that as objects. */
const BUFFER_MEMORY_REQUESTS = 4;

export function register(program: Command, terminal: Terminal): void {
  const command = program
    .command('produce')
    .description(
      'Sends each line of the standard input as a record, until the input ends or Ctrl+C.\n' +
        'Ends well only when every record has been acknowledged.',
    )
    .argument('<topic>', 'created when it does not exist and the brokers are set up to')
    .option('-k, --key-separator <text>', 'a line is key, this, value; \\t is a tab', unescaped)
    .option('--null-marker <text>', 'a key or value that equals this is null (as a value: a tombstone)')
    .option(
      '-H, --header <name=value>',
      'for every record; may be repeated',
      collect((text) => nameAndValue('--header', text)),
    )
    .option('-p, --partition <number>', 'send all to this partition', (text) =>
      wholeNumber('--partition', text, { max: PARTITION_MAX }),
    )
    .option('--json', 'a line is a record as "consume --json" writes it')
    .addOption(
      new Option('--framing <end>', 'what ends a record').choices(FRAMINGS).default('newline' as Framing),
    )
    .addOption(
      new Option('--acks <acks>', 'who must have a record: all in-sync replicas, the leader, nobody')
        .choices(['all', '1', '0'])
        .default('all'),
    )
    .addOption(
      new Option('-z, --compression <type>', 'of batches')
        .choices(COMPRESSION_NAMES)
        .default('none' as CompressionName),
    )
    .option('--no-idempotence', 'retries may double records; for brokers before 0.11')
    .option('--batch-size <bytes>', 'per partition', bytesOf('--batch-size'), BATCH_SIZE_DEFAULT)
    .option(
      '--linger <ms>',
      'how long a batch waits to fill',
      (text) => wholeNumber('--linger', text, { max: 60_000 }),
      LINGER_DEFAULT_MS,
    )
    .option(
      '--max-request-size <bytes>',
      'largest request, and so largest record',
      bytesOf('--max-request-size'),
      REQUEST_SIZE_DEFAULT,
    )
    .option('-q, --quiet', 'do not say how many records were sent')
    .action((topic: string, given: ProduceArguments) => produce(topic, given, terminal));
  withExamples(withClientOptions(command), [
    ['One record', 'echo hello | odradek produce greetings'],
    ['A file of lines with a key, a tab and a value', "odradek produce prices -k '\\t' -z zstd < prices.tsv"],
    ['Delete a key in a compacted topic', "echo 'apple:' | odradek produce prices -k : --null-marker ''"],
    [
      'Copy a topic, all that its records have, into one with as many partitions',
      'odradek consume orders --from-beginning --to-end --json | odradek produce copy --json',
    ],
  ]);
}

function bytesOf(option: string): (text: string) => number {
  return (text) => wholeNumber(option, text, { min: 1, max: REQUEST_SIZE_MAX });
}

/** Counts outcomes; the first failure stops the reading. */
interface Tally {
  sent: number;
  failed: number;
  failure: Error | null;
}

async function produce(topic: string, given: ProduceArguments, terminal: Terminal): Promise<void> {
  const producer = new Producer({
    ...clusterOptions(given, terminal),
    acks: given.acks === 'all' ? -1 : given.acks === '1' ? 1 : 0,
    idempotent: given.idempotence && given.acks === 'all',
    compression: given.compression,
    batchSizeBytes: given.batchSize,
    lingerMs: given.linger,
    requestSizeMaxBytes: given.maxRequestSize,
    bufferMemoryBytes: BUFFER_MEMORY_REQUESTS * given.maxRequestSize,
    maxBlockMs: given.timeout * 1_000,
    deliveryTimeoutMs: given.timeout * 1_000,
  });
  const tally: Tally = { sent: 0, failed: 0, failure: null };
  let inputFailure: unknown = null;
  try {
    await producer.connect();
    await producer.partitionsOf(topic, Math.min(given.timeout * 1_000, TOPIC_WAIT_MAX_MS));
    await sendAll(producer, topic, given, terminal, tally).catch((error: unknown) => {
      inputFailure = error;
    });
  } finally {
    await producer.close();
  }
  report(topic, given, terminal, tally, inputFailure);
}

/** Reads until the input ends, a record is refused, or Ctrl+C: what was read by then is sent. */
async function sendAll(
  producer: Producer,
  topic: string,
  given: ProduceArguments,
  terminal: Terminal,
  tally: Tally,
): Promise<void> {
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    terminal.stdin.destroy();
  };
  const settled = (error: Error | null): void => {
    if (error === null) tally.sent++;
    else {
      tally.failed++;
      tally.failure ??= error;
      stop();
    }
  };
  const removeStop = onStopSignal(stop);
  try {
    const parse = recordParser(topic, given);
    let lineNumber = 0;
    for await (const lines of pieces(terminal.stdin, given.framing, given.maxRequestSize)) {
      for (const line of lines) {
        const room = producer.enqueue(parse(line, ++lineNumber), settled);
        if (room !== undefined) await room;
        if (isStopped) return;
      }
    }
  } catch (error) {
    // An input that was closed from this side ends with an error of its own.
    if (!isStopped) throw error;
  } finally {
    removeStop();
  }
}

function recordParser(
  topic: string,
  given: ProduceArguments,
): (line: Buffer, lineNumber: number) => ProducerRecord {
  const constants: RecordHeader[] = (given.header ?? []).map(([key, value]) => ({
    key,
    value: Buffer.from(value),
  }));
  const where = given.partition === undefined ? {} : { partition: given.partition };
  if (given.json === true) {
    return (line, lineNumber) => {
      const fields = parseRecordJson(line, lineNumber);
      return { topic, ...fields, headers: [...fields.headers, ...constants], ...where };
    };
  }
  const separator = given.keySeparator === undefined ? null : Buffer.from(given.keySeparator);
  const marker = given.nullMarker === undefined ? null : Buffer.from(given.nullMarker);
  const orNull = (bytes: Buffer): Buffer | null => (marker?.equals(bytes) === true ? null : bytes);
  return (line, lineNumber) => {
    const { key, value } = splitLine(line, lineNumber, separator);
    return {
      topic,
      key: key === null ? null : orNull(key),
      value: orNull(value),
      headers: constants,
      ...where,
    };
  };
}

function splitLine(
  line: Buffer,
  lineNumber: number,
  separator: Buffer | null,
): { key: Buffer | null; value: Buffer } {
  if (separator === null) return { key: null, value: line };
  const at = line.indexOf(separator);
  if (at < 0) throw new CommandError(`line ${lineNumber} has no key separator "${separator.toString()}"`);
  return { key: line.subarray(0, at), value: line.subarray(at + separator.length) };
}

function report(
  topic: string,
  given: ProduceArguments,
  terminal: Terminal,
  tally: Tally,
  inputFailure: unknown,
): void {
  const { sent, failed, failure } = tally;
  if (failure !== null) {
    throw new CommandError(`${failed} of ${sent + failed} records were not sent: ${failureLine(failure)}`, {
      cause: failure,
    });
  }
  if (inputFailure !== null) {
    throw new CommandError(`${failureLine(inputFailure)}; ${counted(sent)} before it went to ${topic}`, {
      cause: inputFailure,
    });
  }
  if (given.quiet !== true) terminal.stderr.write(`Sent ${counted(sent)} to ${topic}.\n`);
}

function counted(records: number): string {
  return records === 1 ? '1 record' : `${records} records`;
}
