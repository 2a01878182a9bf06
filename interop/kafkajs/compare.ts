// The same programs with KafkaJS and with ours, against Apache Kafka and Odradek: the outcomes are equal.
//   npx node interop/kafkajs/compare.ts
import assert from 'node:assert/strict';
import * as kafkajs from 'kafkajs';
import * as ours from '@odradek/kafkajs/index.ts';
import { startBroker } from '@odradek/testing/index.ts';
import { startKafka } from '../../scripts/kafka.ts';
import { closeWith } from '../closing-line.ts';
import { PROGRAMS, type Library, type Program } from './programs.ts';

process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
const PROGRAM_MAX_MS = 60_000;

let runs = 0;
let passed = 0;
let failed = 0;

async function outcome({ name, run }: Program, library: unknown, broker: string): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`"${name}" took more than ${PROGRAM_MAX_MS} ms`)),
      PROGRAM_MAX_MS,
    );
  });
  try {
    // The types differ in what is left out here; the programs use what both have.
    return await Promise.race([
      run({ library: library as Library, broker, name: `program-${++runs}` }),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

async function compare(where: string, broker: string, programs: readonly Program[]): Promise<void> {
  for (const program of programs) {
    try {
      const theirs = await outcome(program, kafkajs.default ?? kafkajs, broker);
      const own = await outcome(program, ours, broker);
      assert.deepEqual(own, theirs);
      passed++;
      console.log(`ok      ${where}: ${program.name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${where}: ${program.name}\n${(error as Error).message}`);
    }
  }
}

const odradek = await startBroker();
await compare(
  'Odradek',
  odradek.bootstrapServers,
  PROGRAMS.filter(({ needsTransactions }) => !needsTransactions),
);
await odradek.close();
const kafka = await startKafka({ version: '4.4', quickStart: true });
try {
  await compare('Apache Kafka 4.4', kafka.bootstrap, PROGRAMS);
} finally {
  await kafka.stop();
}
closeWith(passed, failed);
process.exit();
