import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outOfBalance } from '../../src/controller/leader-balance.ts';

/** Partitions that prefer broker 1, as the leaders that they have. */
function preferringOne(...leaders: number[]) {
  return leaders.map((leader, partition) => ({ topic: 't', partition, leader, preferred: 1 }));
}

test('a broker gets its partitions back once more than the tolerated part is led by others', () => {
  const tenPercent = preferringOne(2, 1, 1, 1, 1, 1, 1, 1, 1, 1);
  assert.deepEqual(outOfBalance(tenPercent, 10), []);
  assert.deepEqual(outOfBalance(tenPercent, 9), [tenPercent[0]]);
  assert.deepEqual(outOfBalance(preferringOne(1, 1), 0), []);
  assert.deepEqual(outOfBalance(preferringOne(-1, 1), 10).length, 1);
});

test('each broker is judged by its own partitions', () => {
  const other = { topic: 'u', partition: 0, leader: 1, preferred: 2 };
  const many = preferringOne(...Array.from({ length: 100 }, () => 1));
  assert.deepEqual(outOfBalance([...many, other], 10), [other]);
});
