// Watches that stay, among scripted servers. With real ones: interop/zookeeper/persistent-watches.test.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  PersistentWatches,
  type PersistentWatchEvent,
  type PersistentWatchMode,
} from '../../../src/adapters/zookeeper/persistent-watches.ts';
import { OpCode, ServerError, Xid } from '../../../src/adapters/zookeeper/wire-constants.ts';
import type { ZookeeperCoordination } from '../../../src/adapters/zookeeper/zookeeper-coordination.ts';
import {
  failsWith,
  PromisedSession,
  RecordedWatch,
} from '../../../../core/test/coordination/promised-session.ts';
import { FakeWorld, settle, turns, writeStat } from './fake-servers.ts';

/** A session with one server, below a root path, and what its persistent watches were told. */
async function begin() {
  const world = new FakeWorld();
  const connecting = world.begin({ chroot: '/base' });
  world.link.accept();
  await turns();
  world.answerRoot();
  const raw = await connecting;
  const told: [name: string, event: PersistentWatchEvent][] = [];
  const add = (path: string, mode: PersistentWatchMode, name = path) =>
    promised((done) => raw.addWatch(path, mode, (event) => told.push([name, event]), done));
  const remove = (path: string) => promised((done) => raw.removeWatch(path, done));
  const answerAdd = ({ error = 0, link = world.link } = {}) => {
    const { xid, body } = link.take(OpCode.addWatch);
    link.answer(xid, (writer) => writer.int(0), { error, zxid: 9 });
    return { path: body.text(), mode: body.int(), left: body.left };
  };
  const added = async (path: string, mode: PersistentWatchMode) => {
    const adding = add(path, mode);
    answerAdd();
    await adding;
  };
  return { world, raw, told, add, remove, answerAdd, added };
}

function promised(call: (done: Parameters<ZookeeperCoordination['removeWatch']>[1]) => void): Promise<null> {
  return new Promise((resolve, reject) =>
    call((error, answer) => (error === null ? resolve(answer) : reject(error))),
  );
}

describe('a persistent watch', () => {
  test('is told every change of its node and of the names of its children', async () => {
    const { world, told, add, answerAdd } = await begin();
    const adding = add('/a', 'persistent');
    assert.deepEqual(answerAdd(), { path: '/base/a', mode: 0, left: 0 });
    await adding;
    for (const type of [1, 3, 3, 4, 2]) world.link.notify(type, '/base/a');
    world.link.notify(3, '/base/a/b');
    assert.deepEqual(
      told.map(([, event]) => event),
      ['created', 'data', 'data', 'children', 'deleted'].map((type) => ({ type, path: '/a' })),
    );
  });

  test('that is recursive is told of all nodes below, also below the root', async () => {
    const { world, told, add, answerAdd, added } = await begin();
    await added('/', 'persistent-recursive');
    const adding = add('/a', 'persistent-recursive');
    assert.deepEqual(answerAdd(), { path: '/base/a', mode: 1, left: 0 });
    await adding;
    world.link.notify(1, '/base/a/b/c');
    world.link.notify(3, '/base/ab');
    world.link.notify(2, '/base');
    // Only a one-shot watch of children causes it: a recursive one is told of the child itself.
    world.link.notify(4, '/base/a');
    assert.deepEqual(told, [
      ['/a', { type: 'created', path: '/a/b/c' }],
      ['/', { type: 'created', path: '/a/b/c' }],
      ['/', { type: 'data', path: '/ab' }],
      ['/', { type: 'deleted', path: '/' }],
    ]);
  });

  test('is set again on the next connection, and told that it was interrupted, before any later answer', async () => {
    const { world, raw, told, added } = await begin();
    await added('/a', 'persistent');
    await added('/r', 'persistent-recursive');
    const oneShot = new RecordedWatch();
    raw.stat('/r/x', oneShot.watch, () => undefined);
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat, { zxid: 11 });
    world.link.cut();
    raw.stat('/a', null, () => told.push(['read', { type: 'data', path: '/a' }]));

    const link = world.reconnect();
    const { xid, body } = link.take(OpCode.setWatches2);
    assert.equal(xid, Xid.setWatches);
    assert.equal(body.long(), 11n);
    const texts = () => body.vector(4, () => body.text());
    assert.deepEqual(
      [texts(), texts(), texts(), texts(), texts()],
      [['/base/r/x'], [], [], ['/base/a'], ['/base/r']],
    );
    body.end();
    link.answer(Xid.setWatches);
    link.answer(link.take(OpCode.exists).xid, writeStat);
    link.notify(3, '/base/r/x');
    assert.deepEqual(told, [
      ['/a', { type: 'interrupted', path: '/a' }],
      ['/r', { type: 'interrupted', path: '/r' }],
      ['read', { type: 'data', path: '/a' }],
      ['/r', { type: 'data', path: '/r/x' }],
    ]);
    assert.deepEqual(oneShot.events, [{ type: 'data', path: '/r/x' }]);
  });

  test('that was asked for when the connection was lost is asked for again', async () => {
    const { world, told, add, answerAdd } = await begin();
    const adding = add('/a', 'persistent');
    world.link.take(OpCode.addWatch);
    world.link.cut();
    const link = world.reconnect();
    assert.equal(answerAdd({ link }).path, '/base/a');
    await adding;
    link.notify(3, '/base/a');
    assert.deepEqual(told, [['/a', { type: 'data', path: '/a' }]]);
  });

  test('is told nothing once it is taken back, and is not set again; then the path is free', async () => {
    const { world, told, remove, added } = await begin();
    await added('/a', 'persistent');
    const removing = remove('/a');
    world.link.notify(3, '/base/a');
    const { body } = world.link.take(OpCode.removeWatches);
    assert.deepEqual([body.text(), body.int(), body.left], ['/base/a', 3, 0]);
    world.link.cut();
    const link = world.reconnect();
    const again = link.take(OpCode.removeWatches);
    link.answer(again.xid, undefined, { error: ServerError.noWatcher });
    await removing;
    assert.deepEqual(told, []);
    await added('/a', 'persistent-recursive');
    await failsWith(settle(world, remove('/b')), 'BADARGUMENTS');
  });
});

describe('a path', () => {
  test('has one persistent watch, from the asking to the end of the taking back', async () => {
    const { world, add, remove, answerAdd } = await begin();
    const adding = add('/a', 'persistent');
    const tooEarly = [
      failsWith(add('/a', 'persistent-recursive'), 'BADARGUMENTS'),
      failsWith(remove('/a'), 'BADARGUMENTS'),
    ];
    answerAdd();
    await adding;
    const [failure] = await settle(world, Promise.all(tooEarly));
    assert.match(failure!.message, /\/a has a persistent watch \(persistent\), allowed is one per path/);
    await failsWith(settle(world, add('/a', 'persistent')), 'BADARGUMENTS');
    const removing = remove('/a');
    const tooLate = [
      failsWith(add('/a', 'persistent'), 'BADARGUMENTS'),
      failsWith(remove('/a'), 'BADARGUMENTS'),
    ];
    world.link.answer(world.link.take(OpCode.removeWatches).xid);
    await removing;
    await settle(world, Promise.all(tooLate));
    assert.equal(world.link.unreadCount, 0);
  });

  test('has no one-shot watches beside it, which older servers would take for it', async () => {
    const { world, raw, added, remove } = await begin();
    await added('/a', 'persistent');
    const watch = () => undefined;
    const session = new PromisedSession(raw);
    const calls = [session.read('/a', watch), session.stat('/a', watch), session.children('/a', watch)];
    world.time.advance(0);
    for (const call of calls) assert.match((await failsWith(call, 'BADARGUMENTS')).message, /might end/);
    raw.stat('/a', null, () => undefined);
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    const removing = remove('/a');
    world.link.answer(world.link.take(OpCode.removeWatches).xid);
    await removing;
    raw.stat('/a', watch, () => undefined);
    world.link.take(OpCode.exists);
  });

  test('with one-shot watches, asked for or waiting, takes a persistent one when they have fired', async () => {
    const { world, raw, add, added } = await begin();
    const oneShot = new RecordedWatch();
    raw.stat('/a', oneShot.watch, () => undefined);
    const refused = async () => {
      const failure = await failsWith(settle(world, add('/a', 'persistent')), 'BADARGUMENTS');
      assert.match(failure.message, /one-shot watches wait on \/a/);
    };
    const call = refused();
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    await call;
    await refused();
    world.link.notify(3, '/base/a');
    assert.equal(oneShot.events.length, 1);
    await added('/a', 'persistent');
  });
});

describe('a server', () => {
  test('older than 3.6 is named as the reason, and the path is free again', async () => {
    const { world, add, answerAdd, told } = await begin();
    const adding = add('/a', 'persistent');
    answerAdd({ error: ServerError.unimplemented });
    const failure = await failsWith(adding, 'SYSTEMERROR');
    assert.match(failure.message, /must be ZooKeeper 3\.6 or newer/);
    world.link.cut();
    const link = world.reconnect();
    const again = add('/a', 'persistent');
    answerAdd({ link });
    await again;
    assert.deepEqual(told, []);
  });

  test('that cannot set them again is left for another', async () => {
    const { world, added, told } = await begin();
    await added('/a', 'persistent');
    world.link.cut();
    const old = world.reconnect();
    old.take(OpCode.setWatches2);
    old.answer(Xid.setWatches, undefined, { error: ServerError.unimplemented });
    assert.ok(old.isDestroyed);
    assert.deepEqual(told, []);
    const link = world.reconnect();
    link.take(OpCode.setWatches2);
    link.answer(Xid.setWatches);
    assert.deepEqual(told, [['/a', { type: 'interrupted', path: '/a' }]]);
  });
});

test('a session holds 10,000 at most', () => {
  const watches = new PersistentWatches();
  const add = (path: string) => watches.add(path, 'persistent', () => undefined, false);
  for (let i = 0; i < 10_000; i++) add(`/n${i}`);
  assert.throws(() => add('/more'), /10000 persistent watches, no more are allowed/);
  watches.forget('/n7');
  add('/more');
});
