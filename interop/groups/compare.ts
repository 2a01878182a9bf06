// Asks Apache Kafka and Odradek the same about groups and offsets, in every version that both serve, and prints
// where they answer differently.
//   npx node interop/groups/compare.ts [--kafka 3.9|4.4] [--conversation a,b] [--print]
import { parseArgs } from 'node:util';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { startTarget } from '../targets/start-target.ts';
import type { Target, TargetName } from '../targets/target.ts';
import { acceptedDifferences } from './accepted-differences.ts';
import { conversations } from './conversations.ts';
import { RawConnection } from './raw-connection.ts';
import { TOPIC } from './requests.ts';
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

/** Makes the topics, waits for the coordinator. @returns the versions that are served */
async function prepare(target: Target): Promise<Versions> {
  const connection = await RawConnection.open(target.host, target.port);
  try {
    const { apiKeys } = await connection.ask(apiVersionsApi, 0, {});
    const topics = [TOPIC, 'compared-too'].map((name) => ({
      name,
      numPartitions: 3,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }));
    await connection.ask(createTopicsApi, 4, { topics, timeoutMs: 10_000, validateOnly: false });
    for (let errorCode = -1; errorCode !== 0;) {
      ({ errorCode } = await connection.ask(findCoordinatorApi, 2, { key: 'any', keyType: 0 }));
      if (errorCode !== 0) await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return new Map(
      apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]),
    );
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
