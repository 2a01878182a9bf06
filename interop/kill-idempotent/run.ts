// kill -9 of the broker, again and again, while idempotent producers (Java 4.4 and librdkafka) send numbered messages
// without pause; after each kill it is started again on the same files. Just before a kill its answers are lost on their
// way, so that producers send again what is stored already. At the end kcat reads all partitions, and every message must
// be there once, at the offset that was acknowledged, and in the order in which it was sent.
//   npx node interop/kill-idempotent/run.ts [--rounds 6] [--target odradek|kafka-3.9|kafka-4.4] [--idempotence off]
// Without idempotence it fails, by messages that are there twice or out of order: that is how it was tried out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { closeWith } from '../closing-line.ts';
import { javaProgram, outputOf, pythonProgram } from '../programs.ts';
import { LossyProxy } from './lossy-proxy.ts';
import { parseTargetName, startTarget } from '../targets/start-target.ts';
import type { Target } from '../targets/target.ts';
import { createTopics, endOffsets } from '../wire/topics.ts';

const PARTITIONS = 3;
const MESSAGES_MIN = 1000;
const POLL_MS = 20;
const ROUND_TIMEOUT_MS = 120_000;
const SHOWN_MAX = 5;
/** Producers wait for their requests in flight, so that little is sent in this time. */
const WITHOUT_ANSWERS_MS = 200;

const producers = {
  'java-4.4': () => javaProgram(join(import.meta.dirname, 'NumberedProducer.java'), '4.4'),
  'confluent-kafka': () => pythonProgram(join(import.meta.dirname, 'numbered_producer.py')),
};

interface Sent {
  readonly number: number;
  /** The acknowledged offset, or the name of an error. */
  readonly outcome: string;
}

interface Stored {
  readonly partition: number;
  readonly offset: number;
  readonly number: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '6' },
      target: { type: 'string', default: 'odradek' },
      idempotence: { type: 'string', default: 'on' },
    },
  });
  const proxy = await LossyProxy.open();
  const target = await startTarget(parseTargetName(values.target), {
    quickStart: true,
    overrides: { 'advertised.listeners': `PLAINTEXT://${proxy.bootstrap}` },
  });
  proxy.brokerPort = target.port;
  let running: ReturnType<typeof startProducer>[] = [];
  try {
    const names = Object.keys(producers);
    const topics = names.map((name) => `numbered-${name}`);
    await createTopics(target, topics, PARTITIONS);
    running = Object.values(producers).map((command, i) =>
      startProducer([
        ...command(),
        target.bootstrap,
        topics[i]!,
        String(PARTITIONS),
        isOn(values.idempotence),
      ]),
    );
    const lost = await disturb(target, proxy, topics, Number(values.rounds));
    const sent = await Promise.all(running.map(({ finish }) => finish()));
    let failed = 0;
    for (const [i, name] of names.entries()) {
      if (!judge(name, sent[i]!, await readAll(target, topics[i]!), lost[i]!)) failed += 1;
    }
    closeWith(names.length - failed, failed);
  } finally {
    for (const { kill } of running) kill();
    await target.stop();
    proxy.close();
  }
}

function isOn(idempotence: string): string {
  if (idempotence === 'on' || idempotence === 'off') return String(idempotence === 'on');
  throw new Error(`--idempotence ${idempotence} is not known: there are on and off`);
}

/**
 * Each round: at least a thousand messages more of both producers, then answers lost, a kill, a start.
 *
 * @returns for each topic, how many messages were stored while no answer came through
 */
async function disturb(
  target: Target,
  proxy: LossyProxy,
  topics: readonly string[],
  rounds: number,
): Promise<number[]> {
  const counts = () => Promise.all(topics.map((topic) => storedCount(target, topic)));
  const lost = topics.map(() => 0);
  let before = await counts();
  for (let round = 1; round <= rounds; round++) {
    const wanted = before.map((count) => count + MESSAGES_MIN);
    const deadline = Date.now() + ROUND_TIMEOUT_MS;
    while ((before = await counts()).some((count, i) => count < wanted[i]!)) {
      if (Date.now() > deadline)
        throw new Error(`the producers do not get on: ${before.join(' and ')} messages`);
      await sleep(POLL_MS);
    }
    proxy.losesAnswers = true;
    await sleep(WITHOUT_ANSWERS_MS);
    const after = await counts();
    await target.kill();
    proxy.losesAnswers = false;
    await target.startAgain();
    for (const [i, count] of after.entries()) lost[i]! += count - before[i]!;
    console.log(
      `killed and started again ${round} of ${rounds}, with ${after.join(' and ')} messages stored`,
    );
  }
  return lost;
}

async function storedCount(target: Target, topic: string): Promise<number> {
  const ends = await endOffsets(target, topic, PARTITIONS);
  return ends.reduce((sum, end) => sum + end, 0);
}

/** A producer at work; `finish` has it end and tells what it sent and what became of it. */
function startProducer([program = '', ...args]: string[]): { finish(): Promise<Sent[]>; kill(): void } {
  const child = spawn(program, args);
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  child.stdin.on('error', () => {});
  const closed = once(child, 'close') as Promise<[number | null]>;
  return {
    async finish() {
      child.stdin.end();
      const [code] = await closed;
      if (code !== 0) throw new Error(`${args.at(-4)} ended with ${code}: ${errors.slice(-2000)}`);
      return linesOf(output).map((line) => {
        const [number, outcome = ''] = line.split(' ');
        return { number: Number(number), outcome };
      });
    },
    kill: () => child.kill('SIGKILL'),
  };
}

async function readAll(target: Target, topic: string): Promise<Stored[]> {
  const args = [
    '-C',
    '-b',
    target.bootstrap,
    '-t',
    topic,
    '-o',
    'beginning',
    '-e',
    '-q',
    '-f',
    '%p %o %s\\n',
  ];
  const output = await outputOf(['kcat', ...args]);
  return linesOf(output).map((line) => {
    const [partition = 0, offset = 0, number = 0] = line.split(' ').map(Number);
    return { partition, offset, number };
  });
}

function judge(name: string, sent: readonly Sent[], stored: readonly Stored[], lost: number): boolean {
  const complaints = [...complaintsOfSending(sent), ...complaintsOfStore(sent, stored)];
  if (lost === 0) complaints.push('no answer was lost: nothing was sent again');
  const extent = `${sent.length} messages sent, ${lost} answers to them lost, ${stored.length} stored`;
  console.log(`${name}: ${extent}, ${complaints.length === 0 ? 'each once and in order' : 'FAILED'}`);
  for (const complaint of complaints.slice(0, SHOWN_MAX)) console.log(`  ${complaint}`);
  if (complaints.length > SHOWN_MAX) console.log(`  and ${complaints.length - SHOWN_MAX} more`);
  return complaints.length === 0;
}

function complaintsOfSending(sent: readonly Sent[]): string[] {
  const refused = sent.filter(({ outcome }) => !/^\d+$/.test(outcome));
  return refused.map(({ number, outcome }) => `message ${number} was not acknowledged: ${outcome}`);
}

/** In each partition the numbers that were sent to it, all of them once and rising; each where it was acknowledged. */
function complaintsOfStore(sent: readonly Sent[], stored: readonly Stored[]): string[] {
  const complaints: string[] = [];
  const places = new Map<number, number>();
  const last = Array.from({ length: PARTITIONS }, () => -1);
  for (const { partition, offset, number } of stored) {
    if (places.has(number)) complaints.push(`message ${number} is there twice`);
    if (number % PARTITIONS !== partition) complaints.push(`message ${number} is in partition ${partition}`);
    if (number < last[partition]!) complaints.push(`message ${number} comes after ${last[partition]}`);
    last[partition] = number;
    places.set(number, offset);
  }
  for (const { number, outcome } of sent) {
    const place = places.get(number);
    if (place === undefined) complaints.push(`message ${number}, acknowledged at ${outcome}, is missing`);
    else if (String(place) !== outcome) {
      complaints.push(`message ${number} was acknowledged at ${outcome} and is at ${place}`);
    }
  }
  return complaints;
}

function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

await main();
