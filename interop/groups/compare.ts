// Asks Apache Kafka and Odradek the same about groups and offsets, in every version that both serve, and prints
// where they answer differently.
//   npx node interop/groups/compare.ts [--kafka 3.9|4.4] [--conversation a,b] [--print]
import { parseArgs } from 'node:util';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { startTarget } from '../targets/start-target.ts';
import type { Target, TargetName } from '../targets/target.ts';
import { acceptedDifferences } from './accepted-differences.ts';
import { conversations } from './conversations.ts';
import { makeTopics, untilCoordinated } from './prepare-broker.ts';
import { RawConnection } from './raw-connection.ts';
import { Transcript } from './transcript.ts';

type Versions = Map<number, { min: number; max: number }>;

const OVERRIDES = { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '3' };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kafka: { type: 'string', default: '3.9' },
      conversation: { type: 'string' },
      print: { type: 'boolean', default: false },
    },
  });
  const chosen = values.conversation?.split(',') ?? Object.keys(conversations);
  const kafka = await startTarget(`kafka-${values.kafka}` as TargetName, {
    overrides: OVERRIDES,
    quickStart: true,
  });
  try {
    const odradek = await startTarget('odradek', { overrides: OVERRIDES });
    try {
      process.exitCode = (await compare(kafka, odradek, chosen, values.print)) === 0 ? 0 : 1;
    } finally {
      await odradek.stop();
    }
  } finally {
    await kafka.stop();
  }
}

/** @returns the number of different answers */
async function compare(
  kafka: Target,
  odradek: Target,
  chosen: readonly string[],
  print: boolean,
): Promise<number> {
  const versions = common(await prepare(kafka), await prepare(odradek));
  let answers = 0;
  let differences = 0;
  for (const name of chosen) {
    const theirs = await hold(kafka, versions, name);
    const ours = await hold(odradek, versions, name);
    console.log(`${name}: ${theirs.length} answers`);
    answers += theirs.length;
    if (print) console.log(theirs.join('\n'));
    for (let i = 0; i < Math.max(theirs.length, ours.length); i++) {
      if (theirs[i] === ours[i] || isAccepted(kafka, theirs[i] ?? '')) continue;
      differences += 1;
      console.log(`${name}\n  Kafka:   ${theirs[i]}\n  Odradek: ${ours[i]}`);
    }
  }
  console.log(`${answers} answers of ${kafka.name} compared, ${differences} differ`);
  return differences;
}

function isAccepted(kafka: Target, line: string): boolean {
  return acceptedDifferences.some(
    (accepted) =>
      accepted.asked.test(line) && accepted.kafka.some((version) => kafka.name === `kafka-${version}`),
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
