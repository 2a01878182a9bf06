// Asks Apache Kafka 3.9 (ZooKeeper mode), 4.4 (KRaft) and ourselves the same about topics and the cluster, and
// compares the answers. Differences that are meant are listed with their reasons in differences.ts; any other
// fails the run. In ZooKeeper mode the nodes of the coordination tree are compared, too.
//   npx node interop/topics/run.ts
import { setTimeout as sleep } from 'node:timers/promises';
import { errorName } from '@odradek/protocol/errors.ts';
import { startBroker } from '@odradek/broker/index.ts';
import { startKafka } from '../../scripts/kafka.ts';
import type { KafkaVersion } from '../../scripts/kafka-jars.ts';
import { RawConnection } from '../wire/raw-connection.ts';
import { closeWith } from '../closing-line.ts';
import { compareNodes } from './nodes.ts';
import { meantDifferences } from './differences.ts';
import { steps, type Step } from './steps.ts';

/** In place of an answer: the version is too old for the newest Kafka. */
const CLOSED = 'closed';
const SETTLING_TRIES = 40;
const SETTLING_MS = 100;

/** What a broker answers to all steps, in a form that can be compared. */
async function answersOf(host: string, port: number): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  for (const step of steps) {
    // Each on its own connection: a broker closes one that asks in a version it does not serve.
    const connection = await RawConnection.open(host, port);
    answers.set(step.label, await answerTo(connection, step).catch(() => CLOSED));
    connection.close();
  }
  return answers;
}

async function answerTo(connection: RawConnection, step: Step): Promise<string> {
  const ask = async () => comparable(await connection.ask(step.api, step.version, step.message as never));
  let answer = await ask();
  for (let tries = 0; step.settles === true && tries < SETTLING_TRIES; tries++) {
    await sleep(SETTLING_MS);
    const again = await ask();
    if (again === answer) break;
    answer = again;
  }
  return answer;
}

/** Without what differs between any two brokers: addresses, ids, texts, order. */
function comparable(answer: unknown): string {
  return JSON.stringify(
    answer,
    (name, value: unknown) => {
      if (name === 'errorMessage') return value === null || value === '' ? 'no text' : 'some text';
      if (name === 'errorCode' || name === 'topicConfigErrorCode') return errorName(value as number);
      if (name === 'topicId' || name === 'clusterId') return /^A*$/.test(String(value)) ? 'none' : 'some id';
      if (name === 'port' || name === 'host' || name === 'unknownTaggedFields') return undefined;
      if (name === 'configs') return Array.isArray(value) && value.length > 0 ? 'some settings' : 'none';
      return Array.isArray(value) ? sorted(value) : value;
    },
    1,
  );
}

function sorted(items: readonly unknown[]): readonly unknown[] {
  return items.toSorted((a, b) => sortKey(a).localeCompare(sortKey(b)));
}

function sortKey(item: unknown): string {
  const { name, topic, partitionIndex, partitionId } = (item ?? {}) as Record<string, unknown>;
  return JSON.stringify([name ?? topic ?? '', partitionIndex ?? partitionId ?? 0]);
}

async function askKafka(version: KafkaVersion): Promise<Map<string, string>> {
  // A node id of 0 in both modes, as ours.
  const kafka = await startKafka({ version, quickStart: true, overrides: { 'num.partitions': '1' } });
  try {
    const answers = await answersOf(kafka.host, kafka.port);
    if (version === '3.9') await compareNodes(kafka);
    return answers;
  } finally {
    await kafka.stop();
  }
}

async function askOurselves(): Promise<Map<string, string>> {
  const broker = await startBroker({ port: 0, memory: true, overrides: { 'num.partitions': '1' } });
  try {
    return await answersOf(broker.address.host, broker.address.port);
  } finally {
    await broker.close();
  }
}

const ours = await askOurselves();
let passed = 0;
let failures = 0;
for (const version of ['3.9', '4.4'] as const) {
  const theirs = await askKafka(version);
  for (const [label, answer] of ours) {
    const expected = theirs.get(label)!;
    if (expected === CLOSED) continue;
    const reason = meantDifferences.get(`${version} ${label}`);
    if (answer === expected || reason !== undefined) {
      if (answer !== expected) console.log(`meant: ${version} ${label}: ${reason}`);
      passed += 1;
      continue;
    }
    failures += 1;
    console.log(`DIFFERS: ${version} ${label}\n--- Kafka\n${expected}\n--- Odradek\n${answer}`);
  }
  console.log(`${version}: ${ours.size} answers compared`);
}
closeWith(passed, failures);
