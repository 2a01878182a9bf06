import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { murmur2 } from '@odradek/client/producer/murmur2.ts';
import { legacyMurmur2 } from '../src/legacy-murmur2.ts';
import { AssignerProtocol, PartitionAssigners, Partitioners, type PartitionMetadata } from '../src/index.ts';
import { createLogger, logLevel } from '../src/logging.ts';

const partition = (partitionId: number, leader = partitionId): PartitionMetadata => ({
  partitionErrorCode: 0,
  partitionId,
  leader,
  replicas: [],
  isr: [],
});

// What KafkaJS 2.2.4 answers.
const LEGACY: Readonly<Record<string, number>> = {
  '0': 272173970,
  '1': 1311020360,
  '128': 2053105854,
  '2187': -2081355488,
  '4782969': -892695770,
  '170859375': 102939717,
};

test('the legacy hash is that of KafkaJS before 2.0, for keys of each length modulo four', () => {
  for (const [key, hash] of Object.entries(LEGACY)) assert.equal(legacyMurmur2(Buffer.from(key)), hash, key);
});

test('keys go where Java puts them; without a key each partition with a leader has its turn', () => {
  const choose = Partitioners.DefaultPartitioner();
  const partitions = [partition(1), partition(2, -1), partition(0)];
  const key = Buffer.from('customer-7');
  const expected = (murmur2(key) & 0x7fffffff) % 3;
  for (const given of [key, 'customer-7']) {
    const args = { topic: 't', partitionMetadata: partitions, message: { key: given, value: null } };
    assert.equal(choose(args), expected);
  }
  const turns = Array.from({ length: 10 }, () =>
    choose({ topic: 't', partitionMetadata: partitions, message: { value: null } }),
  );
  assert.deepEqual(new Set(turns), new Set([0, 1]));
  assert.equal(turns.filter((turn) => turn === 0).length, 5);
  assert.equal(
    choose({ topic: 't', partitionMetadata: partitions, message: { value: null, partition: 9 } }),
    9,
  );
});

test('what members tell and get is read as it was written', () => {
  const texts = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 9, unit: 'grapheme-ascii' }), {
    maxLength: 5,
  });
  const data = fc.uint8Array({ maxLength: 8 });
  fc.assert(
    fc.property(texts, data, (topics, bytes) => {
      const userData = Buffer.from(bytes);
      const { MemberMetadata, MemberAssignment } = AssignerProtocol;
      const metadata = { version: 1, topics, userData };
      assert.deepEqual(MemberMetadata.decode(MemberMetadata.encode(metadata)), metadata);
      const assignment = Object.fromEntries(topics.map((topic, index) => [topic, [index, index + 1]]));
      const assigned = { version: 1, assignment, userData };
      assert.deepEqual(MemberAssignment.decode(MemberAssignment.encode(assigned)), assigned);
    }),
  );
  assert.equal(AssignerProtocol.MemberAssignment.decode(Buffer.alloc(0)), null);
});

test('round robin gives each partition to one member, and to none a topic that it does not read', async () => {
  const cluster = { findTopicPartitionMetadata: () => [partition(0), partition(1), partition(2)] };
  const logger = createLogger({ level: logLevel.NOTHING });
  const assigner = PartitionAssigners.roundRobin({ cluster, groupId: 'g', logger });
  const member = (memberId: string, topics: string[]): { memberId: string; memberMetadata: Buffer } => ({
    memberId,
    memberMetadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics }),
  });
  const shares = await assigner.assign({
    members: [member('b', ['x', 'y']), member('a', ['x'])],
    topics: ['x', 'y'],
  });
  const shown = shares.map(({ memberId, memberAssignment }) => [
    memberId,
    { ...AssignerProtocol.MemberAssignment.decode(memberAssignment)!.assignment },
  ]);
  assert.deepEqual(shown, [
    ['a', { x: [0, 2] }],
    ['b', { x: [1], y: [0, 1, 2] }],
  ]);
  const named = await assigner.assign({ members: [member('a', ['constructor'])], topics: ['constructor'] });
  const [share] = named.map(
    (one) => AssignerProtocol.MemberAssignment.decode(one.memberAssignment)!.assignment,
  );
  assert.deepEqual(share, { constructor: [0, 1, 2] });
});
