import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoordinationError } from '@odradek/core/ports/coordination.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { ManualTime } from '../../../core/test/log/log-world.ts';
import { EmbeddedTree } from '../../src/adapters/embedded-coordination/embedded-tree.ts';
import { LegacyOffsets } from '../../src/groups/legacy-offsets.ts';

function inMemory() {
  const tree = new EmbeddedTree(':memory:', new ManualTime());
  const coordination = tree.connect();
  return { tree, coordination, offsets: new LegacyOffsets(coordination) };
}

function textOf(coordination: Coordination, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    coordination.read(path, null, (_error, contents) => resolve(contents?.data?.toString()));
  });
}

test('an offset is decimal text under the paths of the old consumers', async () => {
  const { tree, coordination, offsets } = inMemory();
  assert.equal(await offsets.commit('g', 't', 3, 41), 0);
  assert.equal(await offsets.commit('g', 't', 3, 42), 0);
  assert.equal(await offsets.commit('g', 't', 4, 7), 0);
  assert.equal(await textOf(coordination, '/consumers/g/offsets/t/3'), '42');
  assert.deepEqual(await offsets.fetch('g', 't', 3), { errorCode: 0, offset: 42 });
  assert.deepEqual(await offsets.fetch('g', 't', 4), { errorCode: 0, offset: 7 });
  tree.close();
});

test('what was never committed is no offset and no error', async () => {
  const { tree, offsets } = inMemory();
  assert.deepEqual(await offsets.fetch('g', 't', 0), { errorCode: 0, offset: null });
  tree.close();
});

test('commits of many partitions at once all find their parents made', async () => {
  const { tree, offsets } = inMemory();
  const codes = await Promise.all(Array.from({ length: 20 }, (_, i) => offsets.commit('g', 't', i, i)));
  assert.deepEqual(new Set(codes), new Set([0]));
  assert.deepEqual(await offsets.fetch('g', 't', 19), { errorCode: 0, offset: 19 });
  tree.close();
});

test('a group id that makes no path is refused, a lost connection sends to look for the coordinator', async () => {
  const { tree, offsets } = inMemory();
  assert.equal(await offsets.commit('', 't', 0, 1), ErrorCode.UNKNOWN_SERVER_ERROR);
  tree.close();
  const lost = {
    write: (_operations: unknown, done: (error: CoordinationError) => void) =>
      done(new CoordinationError('CONNECTIONLOSS', '/consumers')),
    read: (path: string, _watch: unknown, done: (error: CoordinationError) => void) =>
      done(new CoordinationError('SESSIONEXPIRED', path)),
  } as unknown as Coordination;
  const cut = new LegacyOffsets(lost);
  assert.equal(await cut.commit('g', 't', 0, 1), ErrorCode.COORDINATOR_NOT_AVAILABLE);
  assert.equal((await cut.fetch('g', 't', 0)).errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
});
