import { Consumer, listOffsets, partitionKey } from '@odradek/client/index.ts';
import {
  deadLetterOf,
  redrive,
  type DeadLetter,
  type RedriveEvent,
  type RedriveOptions,
} from '@odradek/patterns/index.ts';
import type { Command } from 'commander';
import { collect, wholeNumber } from '../arguments.ts';
import { clusterOptions, withClientOptions, type ClientArguments } from '../client-options.ts';
import { withExamples } from '../examples.ts';
import { jsonText, tableText } from '../output/table.ts';
import { jsonBytes } from '../record-json.ts';
import { onStopSignal } from '../stop-signal.ts';
import { usageError, type Terminal } from '../terminal.ts';

interface ChoiceArguments extends ClientArguments {
  readonly error?: string;
  readonly only?: readonly string[];
  readonly json?: true;
}

interface ListArguments extends ChoiceArguments {
  readonly max: number;
}

interface RedriveArguments extends ChoiceArguments {
  readonly run?: string;
  readonly to?: string;
  readonly probe?: string;
  readonly rate: number;
  readonly limit?: number;
  readonly maxRedrives: number;
  readonly execute?: true;
}

const POLL_MS = 1_000;

export function register(program: Command, terminal: Terminal): void {
  const letters = program
    .command('dead-letters')
    .description('Lists dead letters: records that a group gave up; and puts them back.');
  registerList(letters, terminal);
  registerRedrive(letters, terminal);
}

function withChoice(command: Command): Command {
  return command
    .option('--error <text>', 'only those whose error holds this text')
    .option(
      '--only <partition:offset>',
      'only this one, by its place in the dead-letter topic; may be repeated',
      collect(place),
    )
    .option('--json', 'as JSON');
}

function registerList(letters: Command, terminal: Terminal): void {
  const command = letters
    .command('list')
    .description('Shows the dead letters of a topic, oldest first.')
    .argument('<topic>', 'the dead-letter topic, such as orders.billing.dlq')
    .option('--max <count>', 'so many at most', (text) => wholeNumber('--max', text, { min: 1 }), 100)
    .action((topic: string, given: ListArguments) => list(topic, given, terminal));
  withExamples(withClientOptions(withChoice(command)), [
    ['What could not be billed?', 'odradek dead-letters list orders.billing.dlq'],
    ['What died of the database?', 'odradek dead-letters list orders.billing.dlq --error ECONNREFUSED'],
  ]);
}

function registerRedrive(letters: Command, terminal: Terminal): void {
  const command = letters
    .command('redrive')
    .description(
      'Puts dead letters back where they came from. A few go first; only if they do not die again the others follow.\n' +
        'Shows what would be done, and does nothing without --execute.',
    )
    .argument('<topic>', 'the dead-letter topic')
    .option('--run <name>', 'names the run; the same name again goes on where it stopped')
    .option('--to <topic>', 'put them there instead')
    .option('--probe <url>', 'nothing is put back while this address does not answer with success')
    .option('--rate <count>', 'so many per second', (text) => wholeNumber('--rate', text, { min: 1 }), 50)
    .option('--limit <count>', 'so many at most', (text) => wholeNumber('--limit', text, { min: 1 }))
    .option(
      '--max-redrives <count>',
      'what was put back so often already is parked',
      (text) => wholeNumber('--max-redrives', text, { min: 1 }),
      3,
    )
    .option('--execute', 'do it')
    .action((topic: string, given: RedriveArguments) => redriveLetters(topic, given, terminal));
  withExamples(withClientOptions(withChoice(command)), [
    ['What would be put back?', 'odradek dead-letters redrive orders.billing.dlq --error ECONNREFUSED'],
    [
      'Put it back once the service is well again',
      'odradek dead-letters redrive orders.billing.dlq --run monday --probe http://billing/health --execute',
    ],
    ['Only one', 'odradek dead-letters redrive orders.billing.dlq --run one --only 0:42 --execute'],
  ]);
}

async function list(topic: string, given: ListArguments, terminal: Terminal): Promise<void> {
  const isWanted = choice(given);
  const letters: DeadLetter[] = [];
  for await (const letter of lettersOf(topic, given, terminal)) {
    if (isWanted(letter)) letters.push(letter);
    if (letters.length === given.max) break;
  }
  terminal.stdout.write(given.json === true ? jsonText(letters.map(asJson)) : table(letters, terminal));
}

async function redriveLetters(topic: string, given: RedriveArguments, terminal: Terminal): Promise<void> {
  const isDryRun = given.execute !== true;
  if (!isDryRun && given.run === undefined) {
    throw usageError('--execute needs --run: a name under which the run can be gone on with');
  }
  const stopping = new AbortController();
  const stopListening = onStopSignal(() => stopping.abort());
  try {
    const report = await redrive({
      ...clusterOptions(given, terminal),
      from: topic,
      runId: given.run ?? 'dry-run',
      filter: choice(given),
      ratePerSecond: given.rate,
      redrivesMax: given.maxRedrives,
      dryRun: isDryRun,
      signal: stopping.signal,
      onEvent: (event) => tell(event, terminal),
      ...optional(given),
    });
    const rows = Object.entries(report).map(([name, value]) => [name, String(value)]);
    terminal.stdout.write(
      given.json === true ? jsonText({ isDryRun, ...report }) : tableText(['WHAT', 'COUNT'], rows, terminal),
    );
    if (isDryRun && given.json !== true) terminal.stdout.write('nothing was done; --execute does it\n');
  } finally {
    stopListening();
  }
}

function optional({ to, probe, limit }: RedriveArguments): Partial<RedriveOptions> {
  return {
    ...(to === undefined ? {} : { to: () => ({ topic: to }) }),
    ...(limit === undefined ? {} : { limit }),
    ...(probe === undefined ? {} : { probe: async (signal) => (await fetch(probe, { signal })).ok }),
  };
}

function tell(event: RedriveEvent, terminal: Terminal): void {
  if (event.type === 'breaker') terminal.stderr.write(`putting back is ${event.state}\n`);
}

function choice({ error, only }: ChoiceArguments): (letter: DeadLetter) => boolean {
  return (letter) =>
    (error === undefined || letter.error.includes(error)) &&
    (only === undefined || only.includes(`${letter.record.partition}:${letter.record.offset}`));
}

async function* lettersOf(
  topic: string,
  given: ClientArguments,
  terminal: Terminal,
): AsyncGenerator<DeadLetter> {
  const consumer = new Consumer({ ...clusterOptions(given, terminal), isolationLevel: 'read_committed' });
  try {
    for (const partition of await consumer.partitionsOf(topic, POLL_MS)) {
      const at = { topic, partition };
      const ends = await listOffsets(consumer.cluster, [{ ...at, at: 'latest' }]);
      const starts = await listOffsets(consumer.cluster, [{ ...at, at: 'earliest' }]);
      const end = ends.get(partitionKey(at))!.offset;
      let next = starts.get(partitionKey(at))!.offset;
      await consumer.assign([{ ...at, from: next }]);
      while (next < end) {
        for (const { records, nextOffset } of await consumer.poll(POLL_MS)) {
          for (const record of records) {
            const letter = deadLetterOf({ ...at, ...record });
            if (letter !== null) yield letter;
          }
          next = nextOffset;
        }
      }
      consumer.unassign([at]);
    }
  } finally {
    await consumer.close();
  }
}

function table(letters: readonly DeadLetter[], terminal: Terminal): string {
  const rows = letters.map(({ record, ...letter }) => [
    `${record.partition}:${record.offset}`,
    new Date(letter.firstFailedMs).toISOString(),
    `${letter.topic} ${letter.partition}:${letter.offset}`,
    record.key === null ? null : String(record.key),
    letter.attempts,
    letter.redrives,
    letter.error,
  ]);
  const headings = ['PLACE', 'FIRST FAILED', 'FROM', 'KEY', 'ATTEMPTS', 'REDRIVES', 'ERROR'];
  return tableText(headings, rows, terminal);
}

function asJson({ record, ...letter }: DeadLetter): object {
  const { partition, offset, key, value } = record;
  return { place: { partition, offset }, ...letter, key: jsonBytes(key), value: jsonBytes(value) };
}

function place(text: string): string {
  if (/^\d+:\d+$/.test(text)) return text;
  throw usageError(`--only is "${text}"; expected is partition:offset, such as 0:42`);
}
