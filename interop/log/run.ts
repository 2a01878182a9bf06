// The same files as Apache Kafka: its dump tool looks through directories that we wrote, we open one that it
// wrote, and it goes on with one that we went on with. One command, no arguments; needs Java:
//   npm run prove:log
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../../scripts/kafka.ts';
import type { RunningKafka } from '../../scripts/kafka.ts';
import { closeWith } from '../closing-line.ts';
import { consume, dump, dumpComplaints, kafkaTool } from './kafka-tools.ts';
import { compactedTwice } from './compaction.ts';
import { handOver } from './hand-over.ts';
import { appendVariety, openLogs, readLines } from './logs-of-ours.ts';

const folder = mkdtempSync(join(tmpdir(), 'odradek-interop-log-'));
let passed = 0;
let failed = 0;

async function scenario(what: string, run: () => string | Promise<string>): Promise<void> {
  try {
    console.log(`ok    ${what}: ${await run()}`);
    passed++;
  } catch (error) {
    console.log(`FAIL  ${what}: ${(error as Error).message.slice(0, 2000)}`);
    failed++;
  }
}

function filesIn(directory: string, suffix: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => join(directory, name));
}

async function compaction(): Promise<void> {
  const pair = await compactedTwice(join(folder, 'ours-compacted'));
  try {
    for (const round of [0, 1, 2]) {
      await scenario(`compaction, round ${round + 1}: Kafka 3.9 and we make the same of the same files`, () =>
        pair.compareRound(round),
      );
    }
    for (const version of ['3.9', '4.3'] as const) {
      await scenario(`kafka-dump-log ${version} on logs that we compacted`, () =>
        checkFiles(version, pair.ourDirectory),
      );
    }
  } finally {
    await pair.close();
  }
}

/** What Kafka's tool says of all files of a log; throws with its complaints. */
function checkFiles(version: '3.9' | '4.3', directory: string): string {
  const files = filesIn(directory, '.log');
  const printed = dump(version, files, ['--deep-iteration', '--print-data-log']);
  assert.deepEqual(
    printed.split('\n').filter((line) => /isvalid: false|exception/i.test(line)),
    [],
  );
  for (const suffix of ['.index', '.timeindex']) {
    for (const option of ['--index-sanity-check', '--verify-index-only']) {
      assert.deepEqual(
        dumpComplaints(version, filesIn(directory, suffix), [option]),
        [],
        `${suffix} ${option}`,
      );
    }
  }
  return `${files.length} segments`;
}

/** Writes logs, closes them or not, and has Kafka's tool look at every file. */
function dumpOurs(version: '3.9' | '4.3', isClosed: boolean): string {
  const data = join(folder, `ours-${version}-${isClosed ? 'closed' : 'crashed'}`);
  const logs = openLogs(data);
  const log = logs.getOrCreate('ours', 0, 'AAECAwQFBgcICQoLDA0ODw');
  appendVariety(log, 480, 0);
  appendVariety(log, 480, 3, 480);
  const lines = readLines(log);
  if (isClosed) logs.close();
  else log.flush();
  const directory = join(data, 'ours-0');
  const files = filesIn(directory, '.log');
  assert.ok(files.length >= 3, `${files.length} segments`);
  checkFiles(version, directory);
  const printed = dump(version, files, ['--deep-iteration', '--print-data-log']);
  const values = [...printed.matchAll(/^\| offset: (\d+).* payload: (ours .*)$/gm)].map((m) => [
    Number(m[1]),
    m[2],
  ]);
  assert.deepEqual(
    values,
    lines.map(({ offset, value }) => [offset, value]),
  );
  const aborted = dump(version, filesIn(directory, '.txnindex'), []);
  assert.match(aborted, /producerId: 5000 firstOffset: \d+ lastOffset: \d+ lastStableOffset: \d+/);
  const snapshots = dump(version, filesIn(directory, '.snapshot'), []);
  assert.match(snapshots, /producerId: 4000 producerEpoch: 2/);
  if (!isClosed) logs.close();
  return `${files.length} segments, ${values.length} records, ${aborted.split('producerId').length - 1} aborted transactions`;
}

/** Has a real broker write a topic with all compressions and transactions. */
function produceToKafka(kafka: RunningKafka): void {
  kafkaTool('3.9', 'org.apache.kafka.tools.TopicCommand', [
    ...['--bootstrap-server', kafka.bootstrap, '--create', '--topic', 'theirs', '--partitions', '1'],
    ...['--config', 'segment.bytes=100000', '--config', 'index.interval.bytes=1000'],
  ]);
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    const isTransactional = compression === 'gzip' || compression === 'none';
    kafkaTool('3.9', 'org.apache.kafka.tools.ProducerPerformance', [
      ...['--topic', 'theirs', '--num-records', '800', '--record-size', '150', '--throughput', '2000'],
      ...(isTransactional ? ['--transactional-id', compression, '--transaction-duration-ms', '20'] : []),
      ...['--producer-props', `bootstrap.servers=${kafka.bootstrap}`, `compression.type=${compression}`],
      ...['batch.size=2000', 'linger.ms=2', 'enable.idempotence=true'],
    ]);
  }
}

async function withRealKafka(): Promise<void> {
  // One replica of everything: there is one broker.
  const overrides = {
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.num.partitions': '2',
    'offsets.topic.num.partitions': '2',
  };
  const kafka = await startKafka({ version: '3.9', quickStart: true, overrides });
  try {
    produceToKafka(kafka);
    const theirs = consume(kafka.bootstrap, 'theirs', 4000);
    assert.equal(theirs.length, 4000);
    const snapshot = join(folder, 'killed');
    await scenario('a directory of Kafka 3.9 that was killed, opened by us', async () => {
      await kafka.kill();
      cpSync(kafka.dataDirectory, snapshot, { recursive: true });
      const logs = openLogs(snapshot);
      const log = logs.log('theirs', 0)!;
      assert.deepEqual(readLines(log), theirs);
      logs.close();
      await kafka.startAgain();
      return `${theirs.length} records, offsets to ${log.logEndOffset}`;
    });
    await scenario('a directory of Kafka 3.9 that was shut down, opened by us, closed, opened by Kafka', () =>
      roundTrip(kafka, theirs.length),
    );
  } finally {
    await kafka.stop();
  }
}

async function roundTrip(kafka: RunningKafka, theirCount: number): Promise<string> {
  await kafka.shutDown();
  const logs = openLogs(kafka.dataDirectory);
  const log = logs.log('theirs', 0)!;
  assert.ok(logs.byDirectory()[0]!.logs.length > 1);
  assert.equal(readLines(log).length, theirCount);
  const epoch = log.latestLeaderEpoch;
  appendVariety(log, 120, epoch);
  const ours = readLines(log);
  const committed = readLines(log, true);
  assert.ok(committed.length < ours.length, 'something was aborted');
  logs.close();
  await kafka.startAgain();
  assert.deepEqual(consume(kafka.bootstrap, 'theirs', ours.length), ours);
  assert.deepEqual(consume(kafka.bootstrap, 'theirs', committed.length, 'read_committed'), committed);
  kafkaTool(
    '3.9',
    'kafka.tools.ConsoleProducer',
    ['--bootstrap-server', kafka.bootstrap, '--topic', 'theirs'],
    'one more\n',
  );
  const last = consume(kafka.bootstrap, 'theirs', ours.length + 1).at(-1)!;
  assert.equal(last.value, 'one more');
  return `${theirCount} of theirs, ${ours.length - theirCount} of ours, then one more of theirs at ${last.offset}`;
}

try {
  for (const version of ['3.9', '4.3'] as const) {
    await scenario(`kafka-dump-log ${version} on logs that we closed`, () => dumpOurs(version, true));
    await scenario(`kafka-dump-log ${version} on logs that we hold open`, () => dumpOurs(version, false));
  }
  await withRealKafka();
  await compaction();
  await handOver(scenario);
  closeWith(passed, failed);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
