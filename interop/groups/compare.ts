// Asks Apache Kafka and Odradek the same about groups and offsets, in every version that both serve, and prints
// where they answer differently.
//   npx node interop/groups/compare.ts [--kafka 3.9,4.4] [--conversation a,b] [--print]
import { parseArgs } from 'node:util';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { closeWith } from '../closing-line.ts';
import { startTarget } from '../targets/start-target.ts';
import type { Target, TargetName } from '../targets/target.ts';
import { acceptedDifferences } from './accepted-differences.ts';
import { conversations } from './conversations.ts';
import { makeTopics, untilCoordinated } from './prepare-broker.ts';
import { RawConnection } from '../wire/raw-connection.ts';
import { Transcript } from '../wire/transcript.ts';

type Versions = Map<number, { min: number; max: number }>;

const OVERRIDES = { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '3' };

interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kafka: { type: 'string', default: '3.9,4.4' },
      conversation: { type: 'string' },
      print: { type: 'boolean', default: false },
    },
  });
  const chosen = values.conversation?.split(',') ?? Object.keys(conversations);
  const outcomes: Outcome[] = [];
  for (const version of values.kafka.split(',')) {
    outcomes.push(await compareWith(`kafka-${version}` as TargetName, chosen, values.print));
  }
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  closeWith(passed, failed);
}

async function compareWith(name: TargetName, chosen: readonly string[], print: boolean): Promise<Outcome> {
  const kafka = await startTarget(name, { overrides: OVERRIDES, quickStart: true });
  try {
    const odradek = await startTarget('odradek', { overrides: OVERRIDES });
    try {
      return await compare(kafka, odradek, chosen, print);
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
  chosen: readonly string[],
  print: boolean,
): Promise<Outcome> {
  const versions = common(await prepare(kafka), await prepare(odradek));
  let passed = 0;
  let failed = 0;
  for (const name of chosen) {
    const theirs = await hold(kafka, versions, name);
    const ours = await hold(odradek, versions, name);
    console.log(`${kafka.name}, ${name}: ${theirs.length} answers`);
    if (print) console.log(theirs.join('\n'));
    for (let i = 0; i < Math.max(theirs.length, ours.length); i++) {
      if (theirs[i] === ours[i] || isAccepted(kafka, theirs[i] ?? '', ours[i] ?? '')) {
        passed += 1;
        continue;
      }
      failed += 1;
      console.log(`${name}\n  Kafka:   ${theirs[i]}\n  Odradek: ${ours[i]}`);
    }
  }
  return { passed, failed };
}

function isAccepted(kafka: Target, theirs: string, ours: string): boolean {
  return acceptedDifferences.some(
    (accepted) =>
      accepted.kafka.some((version) => kafka.name === `kafka-${version}`) &&
      accepted.theirs.test(theirs) &&
      accepted.ours.test(ours),
  );
}

async function hold(target: Target, versions: Versions, name: string): Promise<string[]> {
  const conversation = conversations[name];
  if (conversation === undefined) throw new Error(`there is no conversation "${name}"`);
  const group = `g-${name.replaceAll(' ', '-')}`;
  const transcript = new Transcript(target.host, target.port, versions, group);
  try {
    await conversation(transcript, group);
  } finally {
    transcript.close();
  }
  return transcript.lines;
}

/** @returns the versions that are served */
async function prepare(target: Target): Promise<Versions> {
  const connection = await RawConnection.open(target.host, target.port);
  try {
    await makeTopics(connection);
    await untilCoordinated(connection);
    const { apiKeys } = await connection.ask(apiVersionsApi, 0, {});
    return new Map(apiKeys.map(({ apiKey, minVersion: min, maxVersion: max }) => [apiKey, { min, max }]));
  } finally {
    connection.close();
  }
}

function common(a: Versions, b: Versions): Versions {
  const both: Versions = new Map();
  for (const [key, range] of a) {
    const other = b.get(key);
    if (other === undefined) continue;
    both.set(key, { min: Math.max(range.min, other.min), max: Math.min(range.max, other.max) });
  }
  return both;
}

await main();
