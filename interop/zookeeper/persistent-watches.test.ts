// Watches that stay, with a real server: what it tells and in which order, a restart in between, taking them back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type {
  PersistentWatchEvent,
  PersistentWatchMode,
} from '@odradek/broker/adapters/zookeeper/persistent-watches.ts';
import {
  failsWith,
  PromisedSession,
  RecordedWatch,
} from '../../packages/core/test/coordination/promised-session.ts';
import { startZookeeper, type RunningZookeeper } from '../../scripts/zookeeper.ts';
import { connectTo, newRoot } from './ensemble-world.ts';

let zookeeper: RunningZookeeper;
before(async () => {
  zookeeper = await startZookeeper();
});
after(() => zookeeper.stop());

/** A session whose persistent watches write down what they are told, as `type path`. */
async function connect(root: string, sessionTimeoutMs = 6_000) {
  const raw = await connectTo(root, { sessionTimeoutMs });
  const told: string[] = [];
  const note = ({ type, path }: PersistentWatchEvent) => void told.push(`${type} ${path}`);
  const add = (path: string, mode: PersistentWatchMode) =>
    new Promise<null>((resolve, reject) => {
      raw.addWatch(path, mode, note, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  const remove = (path: string) =>
    new Promise<null>((resolve, reject) => {
      raw.removeWatch(path, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  return { raw, told, add, remove, session: new PromisedSession(raw) };
}

test('a persistent watch tells every change, before the answer that shows it; a recursive one of all below', async () => {
  const root = await newRoot(zookeeper);
  const { told, add, session } = await connect(root);
  await add('/node', 'persistent');
  await add('/tree', 'persistent-recursive');
  for (const path of ['/node', '/node/child', '/node/child/below', '/tree', '/tree/a', '/tree/a/b']) {
    await session.create(path);
  }
  await session.set('/node', '1');
  await session.set('/node', '2');
  await session.set('/tree/a/b', '1');
  await session.set('/node/child', 'unheard');
  for (const path of ['/tree/a/b', '/tree/a', '/node/child/below', '/node/child', '/node']) {
    await session.delete(path);
  }
  assert.deepEqual(told, [
    'created /node',
    'children /node',
    'created /tree',
    'created /tree/a',
    'created /tree/a/b',
    'data /node',
    'data /node',
    'data /tree/a/b',
    'deleted /tree/a/b',
    'deleted /tree/a',
    'children /node',
    'deleted /node',
  ]);
  await session.close();
});

test('one-shot watches below a recursive one fire once, and it goes on', async () => {
  const root = await newRoot(zookeeper);
  const { told, add, session } = await connect(root);
  await session.create('/tree');
  await session.create('/tree/a');
  await add('/tree', 'persistent-recursive');
  const [data, children] = [new RecordedWatch(), new RecordedWatch()];
  await session.read('/tree/a', data.watch);
  await session.children('/tree/a', children.watch);
  await failsWith(session.read('/tree', data.watch), 'BADARGUMENTS');
  await session.create('/tree/a/b');
  await session.set('/tree/a', '1');
  await session.set('/tree/a', '2');
  assert.deepEqual(data.events, [{ type: 'data', path: '/tree/a' }]);
  assert.deepEqual(children.events, [{ type: 'children', path: '/tree/a' }]);
  assert.deepEqual(told, ['created /tree/a/b', 'data /tree/a', 'data /tree/a']);
  await session.close();
});

test('after a restart of the server they are set again, and told that they were interrupted', async () => {
  const root = await newRoot(zookeeper);
  const { raw, told, add, session } = await connect(root, 30_000);
  await session.create('/node');
  await session.create('/tree');
  await add('/node', 'persistent');
  await add('/tree', 'persistent-recursive');
  const { sessionId } = raw;
  const isBack = new Promise<void>((resolve) => {
    raw.onSession((state) => state === 'connected' && resolve());
  });
  await zookeeper.servers[0]!.kill();
  await zookeeper.servers[0]!.startAgain();
  await isBack;
  const oneShot = new RecordedWatch();
  await session.children('/', oneShot.watch);
  await session.set('/node', 'new');
  await session.create('/tree/a');
  await session.create('/other');
  assert.equal(raw.sessionId, sessionId);
  assert.deepEqual(told, ['interrupted /node', 'interrupted /tree', 'data /node', 'created /tree/a']);
  assert.deepEqual(oneShot.events, [{ type: 'children', path: '/' }]);
  await session.close();
});

test('what is taken back is told nothing, and leaves the path for one-shot watches', async () => {
  const root = await newRoot(zookeeper);
  const { told, add, remove, session } = await connect(root);
  await session.create('/node');
  await session.create('/tree');
  await add('/node', 'persistent');
  await add('/tree', 'persistent-recursive');
  await remove('/node');
  await remove('/tree');
  await failsWith(remove('/tree'), 'BADARGUMENTS');
  const [data, children] = [new RecordedWatch(), new RecordedWatch()];
  await session.read('/node', data.watch);
  await session.children('/tree', children.watch);
  await session.set('/node', '1');
  await session.set('/node', '2');
  await session.create('/tree/a');
  await session.create('/tree/a/b');
  assert.deepEqual([data.events.length, children.events.length], [1, 1]);
  await add('/tree', 'persistent');
  await session.set('/tree', '1');
  assert.deepEqual(told, ['data /tree']);
  await session.close();
});
