// What the benchmarks compute from what they measured, and in which order they measure.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { readRequestHeader } from '@odradek/protocol/request-header.ts';
import {
  batchOf,
  fetchFrame,
  partitionPosition,
  produceError,
  produceFrame,
  readFetchHead,
  setFetchOffset,
} from '../../bench/load/frames.ts';
import { plotOf } from '../../bench/report/plot.ts';
import type { Results } from '../../bench/report/results.ts';
import { rowsOf, type Measured } from '../../bench/report/rows.ts';
import { verdictsOf } from '../../bench/report/targets.ts';
import { runSteps, type Step } from '../../bench/schedule.ts';

const EXPERIMENT = { name: 'a', title: 'something', group: 'things' };
const TOPIC = 'some-topic';

function measured(peer: string, round: number, throughput: number): Measured {
  return { workload: 'a', peer, round, metrics: { throughput } };
}

test('ratios are taken within each round, and their median is not the ratio of medians', () => {
  const all = [
    ...[10, 20, 90].map((value, round) => measured('ours', round, value)),
    ...[5, 40, 30].map((value, round) => measured('theirs', round, value)),
  ];
  const [row] = rowsOf(all, [EXPERIMENT], ['ours', 'theirs']);
  assert.deepEqual(row!.medians, { ours: 20, theirs: 30 });
  assert.deepEqual(row!.ratios, { theirs: 2 });
  assert.equal(row!.rounds, 3);
});

test('a round that one of two did not finish has no ratio', () => {
  const all = [measured('ours', 0, 10), measured('ours', 1, 30), measured('theirs', 1, 10)];
  const [row] = rowsOf(all, [EXPERIMENT], ['ours', 'theirs']);
  assert.deepEqual(row!.ratios, { theirs: 3 });
});

test('a target is reached, missed, or was not measured', () => {
  const rows = rowsOf([measured('ours', 0, 12), measured('theirs', 0, 10)], [EXPERIMENT], ['ours', 'theirs']);
  const of = (bound: number, workload = 'a') =>
    verdictsOf([{ workload, metric: 'throughput', beside: 'theirs', bound }], rows, 'ours')[0]!;
  assert.equal(of(1.2).verdict, 'reached');
  assert.equal(of(1.6).verdict, 'missed by 25 %');
  assert.equal(of(1, 'b').measured, 'not measured');
  assert.equal(of(1).toReach, 'at least 1 times theirs');
});

interface Log {
  readonly lines: string[];
  readonly results: Results;
}

function log(has: (peer: string, round: number) => boolean = () => false): Log {
  const lines: string[] = [];
  const results = {
    has: (_: string, peer: string, round: number) => has(peer, round),
    note: ({ peer, round }: Measured) => lines.push(`${peer} ${round}`),
    noteFailure: ({ peer, error }: { peer: string; error: string }) => lines.push(`${peer}: ${error}`),
    noteSkipped: (what: string) => lines.push(`skipped ${what}`),
  } as unknown as Results;
  return { lines, results };
}

function steps(run: (peer: string) => Promise<Record<string, number>>): Step[] {
  return [0, 1].map((round) => ({ workload: 'a', round, peers: ['ours', 'theirs'], run }));
}

test('peers take turns, in changing order, and one that fails keeps nobody from going on', async () => {
  const { lines, results } = log();
  const run = (peer: string) =>
    peer === 'ours' ? Promise.reject(new Error('broken')) : Promise.resolve({ throughput: 1 });
  await runSteps(steps(run), Infinity, results);
  assert.deepEqual(lines, ['ours: broken', 'theirs 0', 'theirs 1', 'ours: broken']);
});

test('what earlier results hold is not measured again, and what the time does not suffice for is told', async () => {
  const { lines, results } = log((peer, round) => round === 0 || peer === 'ours');
  await runSteps(
    steps(() => Promise.resolve({ throughput: 1 })),
    Infinity,
    results,
  );
  assert.deepEqual(lines, ['theirs 1']);
  const late = log((_, round) => round === 0);
  await runSteps(
    steps(() => Promise.reject(new Error('too late'))),
    performance.now() - 1,
    late.results,
  );
  assert.deepEqual(late.lines, ['skipped a (round 2)']);
});

test('a frame can be sent to another partition, and answers are read where their fields are', () => {
  const batch = batchOf(4096, 1000);
  assert.equal(batch.records, 3);
  const frame = produceFrame(TOPIC, 0, 1, batch);
  frame.writeInt32BE(7, partitionPosition(TOPIC, batch));
  const reader = new Reader(frame.subarray(4));
  const { apiVersion } = readRequestHeader(reader);
  const request = produceApi.readRequest(reader, apiVersion);
  assert.equal(request.topicData[0]!.partitionData[0]!.index, 7);
  assert.deepEqual(request.topicData[0]!.partitionData[0]!.records, batch.bytes);

  const writer = new Writer();
  writer.int32(1);
  writer.int8(0);
  const answer = { index: 7, errorCode: 6, baseOffset: -1 };
  produceApi.writeResponse(
    writer,
    { responses: [{ name: TOPIC, partitionResponses: [answer] }] },
    apiVersion,
  );
  assert.equal(produceError(writer.toBuffer(), TOPIC), 6);
});

test('a fetch goes on where it is told, and its answer says how much came', () => {
  const frame = fetchFrame(TOPIC, 3, 0, 1_000_000);
  setFetchOffset(frame, 4711);
  const reader = new Reader(frame.subarray(4));
  const { apiVersion } = readRequestHeader(reader);
  const [topic] = fetchApi.readRequest(reader, apiVersion).topics;
  assert.deepEqual([topic!.partitions[0]!.partition, topic!.partitions[0]!.fetchOffset], [3, 4711]);

  const records = Buffer.concat([batchOf(4096, 1000).bytes]);
  records.writeBigInt64BE(4711n, 0);
  const partition = {
    partitionIndex: 3,
    errorCode: 0,
    highWatermark: 4714,
    abortedTransactions: [],
    records,
  };
  const writer = new Writer();
  writer.int32(1);
  writer.int8(0);
  fetchApi.writeResponse(writer, { responses: [{ topic: TOPIC, partitions: [partition] }] }, apiVersion);
  assert.deepEqual(readFetchHead(writer.toBuffer(), TOPIC), {
    errorCode: 0,
    recordBytes: records.length,
    baseOffset: 4711,
  });
});

test('compressed batches are smaller than what they carry', () => {
  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const { bytes, payloadBytes } = batchOf(16_384, 1000, compression);
    assert.ok(bytes.length * 2 < payloadBytes, `${compression}: ${bytes.length} of ${payloadBytes}`);
  }
});

test('no two labels of the picture share a line, and long ones end before the scale', () => {
  const long = 'a-workload-with-a-long-name';
  const experiments = [EXPERIMENT, { name: long, title: '', group: 'others' }];
  const all = experiments.flatMap(({ name }) => [
    { workload: name, peer: 'ours', round: 0, metrics: { throughput: 30, 'CPU per GB': 1 } },
    { workload: name, peer: 'theirs', round: 0, metrics: { throughput: 1, 'CPU per GB': 400 } },
  ]);
  const svg = plotOf('title', rowsOf(all, experiments, ['ours', 'theirs']), ['ours', 'theirs']);
  const labels = [...svg.matchAll(/<text x="26" y="([\d.]+)" class="">([^<]*)</g)];
  assert.equal(labels.length, 4);
  assert.equal(new Set(labels.map(([, y]) => y)).size, 4);
  const scaleX = Math.min(...[...svg.matchAll(/<line [^>]*x1="([\d.]+)"/g)].map(([, x]) => Number(x)));
  const longest = Math.max(...labels.map(([, , words]) => words!.length));
  assert.ok(26 + longest * 6.4 < scaleX, `${longest} letters before ${scaleX}`);
  assert.match(svg, /prefers-color-scheme: dark/);
});
