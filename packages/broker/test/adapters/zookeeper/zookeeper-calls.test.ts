// What becomes of calls and watches, among scripted servers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OpCode, ServerError, Xid } from '../../../src/adapters/zookeeper/wire-constants.ts';
import { failsWith, RecordedWatch } from '../../../../core/test/coordination/promised-session.ts';
import { FakeWorld, settle, turns, writeStat } from './fake-servers.ts';

describe('calls', () => {
  test('no more are sent at once than is allowed', async () => {
    const world = new FakeWorld();
    const session = await world.connect({ inFlightMax: 2 });
    const calls = ['/a', '/b', '/c'].map((path) => session.stat(path));
    assert.equal(world.link.unreadCount, 2);
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    assert.equal(world.link.unreadCount, 2);
    for (let i = 0; i < 2; i++) world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    assert.equal((await Promise.all(calls)).length, 3);
  });

  test('what was not sent when the connection was lost is sent on the next', async () => {
    const world = new FakeWorld();
    const session = await world.connect({ inFlightMax: 1 });
    const [sent, unsent] = [session.set('/a', 'x'), session.set('/b', 'x')];
    world.link.cut();
    const meanwhile = session.set('/c', 'x');
    await failsWith(sent, 'CONNECTIONLOSS');
    const link = world.reconnect();
    for (const path of ['/b', '/c']) {
      const { xid, body } = link.take(OpCode.setData);
      assert.equal(body.text(), path);
      link.answer(xid, writeStat);
    }
    await Promise.all([unsent, meanwhile]);
  });

  test('reads are asked again on the next connection, unless a write came after them', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const before = session.stat('/before');
    const write = session.set('/a', 'x');
    const after = [session.stat('/after'), session.children('/after')] as const;
    world.link.cut();
    await failsWith(before, 'CONNECTIONLOSS');
    await failsWith(write, 'CONNECTIONLOSS');
    const link = world.reconnect();
    link.answer(link.take(OpCode.exists).xid, writeStat);
    link.answer(link.take(OpCode.getChildren).xid, (writer) => writer.int(1).text('child'));
    assert.notEqual(await after[0], null);
    assert.deepEqual(await after[1], ['child']);
  });

  test('each is told after those made before it, also one that was never sent', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const order: string[] = [];
    const note = (what: string) => () => void order.push(what);
    session.raw.stat('/a', null, note('a'));
    session.raw.stat('no path', null, note('bad'));
    session.raw.stat('/b', null, note('b'));
    world.time.advance(10);
    assert.deepEqual(order, []);
    for (let i = 0; i < 2; i++) world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    assert.deepEqual(order, ['a', 'bad', 'b']);
    session.raw.stat('no path', null, note('alone'));
    assert.equal(order.length, 3, 'never at once');
    world.time.advance(0);
    assert.equal(order.at(-1), 'alone');
  });

  test('one that no server would take is refused here', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      type: 'create' as const,
      path: `/n${i}`,
      data: null,
      mode: 'persistent' as const,
    }));
    const failure = failsWith(session.write(...many), 'BADARGUMENTS');
    await settle(world, failure);
    assert.match((await failure).message, /1048575 that a server takes \(jute\.maxbuffer\)/);
    assert.equal(world.link.unreadCount, 0);
  });

  test('an error of an operation of many names it, and those around it are told apart', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const call = session.write(
      { type: 'check', path: '/a', version: 1 },
      { type: 'delete', path: '/b', version: 1 },
      { type: 'delete', path: '/c', version: 1 },
    );
    const { xid } = world.link.take(OpCode.multi);
    world.link.answer(xid, (writer) => {
      for (const error of [0, -103, -2]) writer.int(-1).boolean(false).int(error).int(error);
      writer.int(-1).boolean(true).int(-1);
    });
    const failure = await failsWith(call, 'BADVERSION');
    assert.deepEqual([failure.path, failure.operation], ['/b', 1]);
  });

  for (const [what, count] of [
    ['fewer', 1],
    ['more', 3],
  ] as const) {
    test(`${what} answers than operations are no answer`, async () => {
      const world = new FakeWorld();
      const session = await world.connect();
      const call = session.write(
        { type: 'delete', path: '/b', version: 1 },
        { type: 'delete', path: '/c', version: 1 },
      );
      world.link.answer(world.link.take(OpCode.multi).xid, (writer) => {
        for (let i = 0; i < count; i++) writer.int(OpCode.delete).boolean(false).int(0);
        writer.int(-1).boolean(true).int(-1);
      });
      await failsWith(call, 'CONNECTIONLOSS');
    });
  }
});

describe('watches', () => {
  test('are set again on the next connection, each as what it was, after catching up', async () => {
    const world = new FakeWorld();
    const connecting = world.begin({ chroot: '/base' });
    world.link.accept();
    await turns();
    world.answerRoot();
    const raw = await connecting;
    const [node, absent, children] = [new RecordedWatch(), new RecordedWatch(), new RecordedWatch()];
    raw.stat('/there', node.watch, () => undefined);
    raw.stat('/absent', absent.watch, () => undefined);
    raw.children('/', children.watch, () => undefined);
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat, { zxid: 7 });
    world.link.answer(world.link.take(OpCode.exists).xid, undefined, { zxid: 8, error: ServerError.noNode });
    world.link.answer(world.link.take(OpCode.getChildren).xid, (writer) => writer.int(0), { zxid: 9 });
    world.link.cut();

    const link = world.nextLink();
    link.accept();
    const catchUp = link.take(OpCode.sync);
    const { xid, body } = link.take(OpCode.setWatches);
    assert.equal(xid, Xid.setWatches);
    assert.equal(body.long(), 9n);
    const texts = () => body.vector(4, () => body.text());
    assert.deepEqual([texts(), texts(), texts()], [['/base/there'], ['/base/absent'], ['/base']]);
    body.end();
    link.answer(catchUp.xid, (writer) => writer.text('/'), { zxid: 20 });
    link.notify(3, '/base/there');
    link.notify(1, '/base/absent');
    link.notify(4, '/base');
    link.answer(Xid.setWatches);
    assert.deepEqual(node.events, [{ type: 'data', path: '/there' }]);
    assert.deepEqual(absent.events, [{ type: 'created', path: '/absent' }]);
    assert.deepEqual(children.events, [{ type: 'children', path: '/' }]);

    link.cut();
    world.reconnect();
    assert.equal(world.link.unreadCount, 0, 'they fired: none is left to be set');
  });

  test('many are set in several requests', async () => {
    const world = new FakeWorld();
    const session = await world.connect({ inFlightMax: 1_000 });
    const paths = Array.from({ length: 1_000 }, (_, i) => `/${'x'.repeat(250)}-${i}`);
    const calls = paths.map((path) => session.stat(path, () => undefined));
    for (const _ of paths) world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    await Promise.all(calls);
    world.link.cut();
    const link = world.nextLink();
    link.accept();
    link.take(OpCode.sync);
    const again: string[] = [];
    while (link.unreadCount > 0) {
      const { body } = link.take(OpCode.setWatches);
      assert.ok(body.left < 140_000);
      body.long();
      again.push(...body.vector(4, () => body.text()));
    }
    assert.deepEqual(again, paths);
  });

  test('a server that cannot set them is left', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const call = session.stat('/a', () => undefined);
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    await call;
    world.link.cut();
    const link = world.reconnect();
    link.take(OpCode.setWatches);
    link.answer(Xid.setWatches, undefined, { error: -6 });
    assert.ok(link.isDestroyed);
    assert.deepEqual(world.told, ['disconnected', 'connected', 'disconnected']);
  });
});
