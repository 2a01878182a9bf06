// Messages that may hold all partitions of a cluster are also read, or written, in steps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaderAndIsrApi } from '../../src/generated/apis/leader-and-isr.ts';
import { metadataApi } from '../../src/generated/apis/metadata.ts';
import { updateMetadataApi } from '../../src/generated/apis/update-metadata.ts';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';
import { Reader } from '../../src/primitives/reader.ts';
import { Writer } from '../../src/primitives/writer.ts';
import { leaderAndIsrSchema } from '../../src/schema/leader-and-isr.ts';
import { metadataSchema } from '../../src/schema/metadata.ts';
import { updateMetadataSchema } from '../../src/schema/update-metadata.ts';
import { messagesOf } from '../../../../scripts/protocol-generator/api-file.ts';
import { randomMessage, SeededRandom } from './random-message.ts';

const PARTITIONS = 1_000;
const IDS = [1, 2, 3];

function atOnce<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

function bytesOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer(16);
  write(writer);
  return writer.toBuffer();
}

test('in steps requests are read to the same, and cut off they are refused, in all versions', () => {
  for (const [api, schema] of [
    [updateMetadataApi, messagesOf(updateMetadataSchema)[0]],
    [leaderAndIsrApi, messagesOf(leaderAndIsrSchema)[0]],
  ] as const) {
    const random = new SeededRandom(7);
    for (let version = api.versionMin; version <= api.versionMax; version++) {
      const message = randomMessage(schema, version, random, 3) as never;
      const bytes = bytesOf((writer) => api.writeRequest(writer, message, version));
      const reader = new Reader(bytes);
      const read = atOnce<object>(api.readRequestInSteps!(reader, version));
      assert.deepEqual(read, api.readRequest(new Reader(bytes), version), `${api.name} v${version}`);
      assert.equal(reader.remaining, 0);
      const cut = new Reader(bytes, 0, bytes.length - 1);
      assert.throws(() => atOnce<object>(api.readRequestInSteps!(cut, version)), MalformedBytesError);
    }
  }
});

test('in steps answers are written to the same bytes, in all versions', () => {
  const random = new SeededRandom(8);
  const [, schema] = messagesOf(metadataSchema);
  for (let version = metadataApi.versionMin; version <= metadataApi.versionMax; version++) {
    const message = randomMessage(schema, version, random, 3) as never;
    const whole = bytesOf((writer) => metadataApi.writeResponse(writer, message, version));
    const inSteps = bytesOf((writer) => atOnce(metadataApi.writeResponseInSteps!(writer, message, version)));
    assert.equal(inSteps.toString('hex'), whole.toString('hex'), `v${version}`);
  }
});

test('a step takes 64 partitions at most, of one topic or of many', () => {
  for (const perTopic of [1, PARTITIONS]) {
    const topics = Array.from({ length: PARTITIONS / perTopic }, (_, at) => `topic ${at}`);
    const indexes = Array.from({ length: perTopic }, (_, index) => index);
    const version = updateMetadataApi.versionMax;
    const state = { controllerEpoch: 1, leader: 1, leaderEpoch: 1, isr: IDS, zkVersion: 1, replicas: IDS };
    const bytes = bytesOf((writer) =>
      updateMetadataApi.writeRequest(
        writer,
        {
          controllerId: 1,
          controllerEpoch: 1,
          topicStates: topics.map((topicName) => ({
            topicName,
            partitionStates: indexes.map((partitionIndex) => ({ partitionIndex, ...state })),
          })),
          liveBrokers: [],
        },
        version,
      ),
    );
    const perPartition = bytes.length / PARTITIONS;
    const reader = new Reader(bytes);
    let last = 0;
    for (const _ of updateMetadataApi.readRequestInSteps!(reader, version)) {
      assert.ok(reader.position - last < 66 * perPartition, `${reader.position - last} bytes in a step`);
      last = reader.position;
    }
    const writer = new Writer();
    const partition = { errorCode: 0, leaderId: 1, leaderEpoch: 1, replicaNodes: IDS, isrNodes: IDS };
    const answer = {
      brokers: [],
      clusterId: null,
      controllerId: 1,
      topics: topics.map((name) => ({
        errorCode: 0,
        name,
        isInternal: false,
        partitions: indexes.map((partitionIndex) => ({ partitionIndex, ...partition, offlineReplicas: [] })),
      })),
    };
    const sizes: number[] = [];
    for (const _ of metadataApi.writeResponseInSteps!(writer, answer, 12))
      sizes.push(writer.sizeBytes - sizes.reduce((sum, size) => sum + size, 0));
    const perAnswer = writer.sizeBytes / PARTITIONS;
    assert.ok(Math.max(...sizes) < 66 * perAnswer, `${Math.max(...sizes)} bytes in a step`);
  }
});
