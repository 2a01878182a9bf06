import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOfGroup } from '../../src/group/group-partition.ts';

/** By Java: Utils.abs("...".hashCode()) % 50. */
test('a group belongs to the partition that Java computes', () => {
  const known: [groupId: string, hash: number][] = [
    ['', 0],
    ['a', 97],
    ['hello', 99162322],
    ['console-consumer-12345', 158455506],
    ['polygenelubricants', -2147483648],
  ];
  for (const [groupId, hash] of known) {
    const expected = hash === -2147483648 ? 0 : Math.abs(hash) % 50;
    assert.equal(partitionOfGroup(groupId, 50), expected, groupId);
  }
  assert.equal(partitionOfGroup('hello', 1), 0);
});
