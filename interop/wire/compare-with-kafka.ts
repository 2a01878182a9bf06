// Holds the same conversations with Apache Kafka and with Odradek, and compares the answers line by line.
import { parseArgs } from 'node:util';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { closeWith } from '../closing-line.ts';
import { startTarget } from '../targets/start-target.ts';
import type { Target, TargetName } from '../targets/target.ts';
import { RawConnection } from './raw-connection.ts';
import { Transcript, type Versions } from './transcript.ts';

/** What is asked, and the answers written down; `name` is one of its own, for groups and the like. */
export type Conversation = (t: Transcript, name: string) => Promise<void>;

/** Answers in which we differ from a version of Apache Kafka on purpose, and why. */
export interface AcceptedDifference {
  readonly kafka: readonly string[];
  /** Of the line in Kafka's transcript, which begins with what was asked. */
  readonly theirs: RegExp;
  /** Of the same line in ours. */
  readonly ours: RegExp;
  readonly reason: string;
}

export interface Comparison {
  readonly conversations: Readonly<Record<string, Conversation>>;
  readonly accepted: readonly AcceptedDifference[];
  /** Settings that both brokers get. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Fields that are not compared: texts for people. */
  readonly hiddenFields?: readonly string[];
  /** Fields of which is compared only whether they say something: times, sizes of disks. */
  readonly blurredFields?: readonly string[];
  /** Makes ready what the conversations speak of. */
  readonly prepare: (target: Target) => Promise<void>;
}

/** It lists older ones for the sake of some clients, and closes the connection of who uses them (KIP-896). */
const KAFKA_4_PRODUCE_MIN = 3;

interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

/**
 * The whole of a program: options `--kafka 3.9,4.4`, `--conversation a,b` and `--print` from the command line, both
 * brokers started and ended, every difference printed, the closing line.
 */
export async function compareWithKafka(comparison: Comparison): Promise<void> {
  const { values } = parseArgs({
    options: {
      kafka: { type: 'string', default: '3.9,4.4' },
      conversation: { type: 'string' },
      print: { type: 'boolean', default: false },
    },
  });
  const chosen = values.conversation?.split(',') ?? Object.keys(comparison.conversations);
  let [passed, failed] = [0, 0];
  for (const version of values.kafka.split(',')) {
    const outcome = await compareWith(`kafka-${version}` as TargetName, comparison, chosen, values.print);
    passed += outcome.passed;
    failed += outcome.failed;
  }
  closeWith(passed, failed);
}

async function compareWith(
  name: TargetName,
  comparison: Comparison,
  chosen: readonly string[],
  print: boolean,
): Promise<Outcome> {
  const overrides = { ...comparison.overrides };
  const kafka = await startTarget(name, { overrides, quickStart: true });
  try {
    const odradek = await startTarget('odradek', { overrides });
    try {
      return await compare(kafka, odradek, comparison, chosen, print);
    } finally {
      await odradek.stop();
    }
  } finally {
    await kafka.stop();
  }
}

async function compare(
  kafka: Target,
  odradek: Target,
  comparison: Comparison,
  chosen: readonly string[],
  print: boolean,
): Promise<Outcome> {
  for (const target of [kafka, odradek]) await comparison.prepare(target);
  const versions = versionsOfBoth(await servedVersions(kafka), await servedVersions(odradek));
  let passed = 0;
  let failed = 0;
  for (const name of chosen) {
    const theirs = await hold(kafka, comparison, versions, name);
    const ours = await hold(odradek, comparison, versions, name);
    console.log(`${kafka.name}, ${name}: ${theirs.length} answers`);
    if (print) console.log(theirs.join('\n'));
    for (let i = 0; i < Math.max(theirs.length, ours.length); i++) {
      if (theirs[i] === ours[i] || isAccepted(kafka, comparison, theirs[i] ?? '', ours[i] ?? '')) {
        passed += 1;
        continue;
      }
      failed += 1;
      console.log(`${name}\n  Kafka:   ${theirs[i]}\n  Odradek: ${ours[i]}`);
    }
  }
  return { passed, failed };
}

function isAccepted(kafka: Target, { accepted }: Comparison, theirs: string, ours: string): boolean {
  return accepted.some(
    (difference) =>
      difference.kafka.some((version) => kafka.name === `kafka-${version}`) &&
      difference.theirs.test(theirs) &&
      difference.ours.test(ours),
  );
}

async function hold(
  { host, port }: Target,
  { conversations, hiddenFields, blurredFields }: Comparison,
  versions: Versions,
  name: string,
): Promise<string[]> {
  const conversation = conversations[name];
  if (conversation === undefined) throw new Error(`there is no conversation "${name}"`);
  const transcript = new Transcript({ host, port }, versions, hiddenFields, blurredFields);
  try {
    await conversation(transcript, `g-${name.replaceAll(' ', '-')}`);
  } finally {
    transcript.close();
  }
  return transcript.lines;
}

async function servedVersions({ name, host, port }: Target): Promise<Versions> {
  const connection = await RawConnection.open(host, port);
  try {
    const { apiKeys } = await connection.ask(apiVersionsApi, 0, {});
    const versions = new Map(
      apiKeys.map(({ apiKey, minVersion: min, maxVersion: max }) => [apiKey, { min, max }]),
    );
    const produce = versions.get(produceApi.key);
    if (name === 'kafka-4.4' && produce !== undefined) produce.min = KAFKA_4_PRODUCE_MIN;
    return versions;
  } finally {
    connection.close();
  }
}

function versionsOfBoth(a: Versions, b: Versions): Versions {
  const both = new Map<number, { min: number; max: number }>();
  for (const [key, range] of a) {
    const other = b.get(key);
    if (other === undefined) continue;
    both.set(key, { min: Math.max(range.min, other.min), max: Math.min(range.max, other.max) });
  }
  return both;
}
