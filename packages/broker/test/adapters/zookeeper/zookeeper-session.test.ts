// A scripted server says what a real one seldom does: late, wrong, half, or nothing. Time is the test's own.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CoordinationError } from '@odradek/core/ports/coordination.ts';
import type { ZookeeperCoordination } from '../../../src/adapters/zookeeper/zookeeper-coordination.ts';
import { OpCode, ServerError, Xid } from '../../../src/adapters/zookeeper/wire-constants.ts';
import { failsWith, RecordedWatch } from '../../../../core/test/coordination/promised-session.ts';
import { FakeWorld, PASSWORD, SESSION_ID, SESSION_MS, settle, turns, writeStat } from './fake-servers.ts';

describe('the start of a session', () => {
  test('asks for a new session, then for its root', async () => {
    const world = new FakeWorld();
    const connecting = world.begin();
    const request = world.link.accept();
    assert.equal(request.int(), 0, 'protocol version');
    assert.equal(request.long(), 0n, 'last zxid');
    assert.equal(request.int(), SESSION_MS);
    assert.equal(request.long(), 0n, 'session');
    assert.deepEqual(request.bytes(), Buffer.alloc(16));
    assert.equal(request.boolean(), false, 'read-only servers will not do');
    request.end();
    await turns();
    world.answerRoot();
    assert.equal((await connecting).sessionId, '1234');
  });

  test('tries one server after the other, and says what went wrong when the time is up', async () => {
    const world = new FakeWorld();
    const connecting = world.begin({ startTimeoutMs: 5_000 });
    const tried = new Set<string>();
    for (let i = 0; i < 3; i++) {
      tried.add(world.link.server.host);
      world.link.cut('connect ECONNREFUSED');
      if (i < 2) world.nextLink();
    }
    assert.deepEqual([...tried].toSorted(), ['a', 'b', 'c']);
    world.time.advance(5_000);
    const failure = await failsWith(connecting, 'CONNECTIONLOSS');
    assert.match(failure.message, /a:1|b:2|c:3/);
    assert.match(failure.message, /within 5000 ms \(zookeeper\.connection\.timeout\.ms\)/);
    assert.match(failure.message, /last failure: .*(ECONNREFUSED|no session)/);
    const count = world.links.length;
    world.time.advance(60_000);
    assert.equal(world.links.length, count, 'it goes on trying');
  });

  test('ends at once when it is called off, and tries no further server', async () => {
    const world = new FakeWorld();
    const calling = new AbortController();
    const connecting = world.begin({}, calling.signal);
    calling.abort();
    world.time.advance(1);
    await failsWith(connecting, 'CONNECTIONLOSS');
    const count = world.links.length;
    world.time.advance(60_000);
    assert.equal(world.links.length, count);
  });

  test('gives up a server that takes the connection and says nothing', async () => {
    const world = new FakeWorld();
    void world.begin();
    const first = world.link;
    first.open();
    const second = world.nextLink();
    assert.ok(first.isDestroyed);
    assert.notEqual(second.server.host, first.server.host);
  });

  test('refuses a read-only server and takes the next', async () => {
    const world = new FakeWorld();
    const connecting = world.begin();
    const readOnly = world.link;
    readOnly.accept({ isReadOnly: true });
    assert.ok(readOnly.isDestroyed);
    world.nextLink().accept();
    await turns();
    world.answerRoot();
    await connecting;
  });

  test('says so when the root path is not there, and leaves no session behind', async () => {
    const world = new FakeWorld();
    const connecting = world.begin({ chroot: '/kafka' });
    world.link.accept();
    await turns();
    const { xid, body } = world.link.take(OpCode.exists);
    assert.equal(body.text(), '/kafka');
    world.link.answer(xid, undefined, { error: ServerError.noNode });
    world.link.answer(world.link.take(OpCode.closeSession).xid);
    const failure = await failsWith(connecting, 'NONODE');
    assert.match(failure.message, /root path \/kafka of zookeeper\.connect is not there/);
    assert.ok(world.link.isDestroyed);
  });

  test('a wrong identity ends it at once', async () => {
    const world = new FakeWorld();
    const connecting = world.begin({ identity: { digest: { user: 'u', password: 'p' } } });
    world.link.accept();
    const { xid, body } = world.link.take(OpCode.auth);
    assert.equal(xid, Xid.auth);
    assert.deepEqual([body.int(), body.text(), body.bytes()?.toString()], [0, 'digest', 'u:p']);
    assert.equal(world.link.unreadCount, 0, 'nothing is asked before the server knows who asks');
    world.link.answer(Xid.auth, undefined, { error: ServerError.authFailed });
    await failsWith(connecting, 'AUTHFAILED');
    world.time.advance(60_000);
    assert.equal(world.links.length, 1);
  });
});

describe('a server that says nothing', () => {
  test('is asked every third of the session timeout, and only when nothing else was sent', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    world.time.advance(SESSION_MS / 3 - 10);
    assert.equal(world.link.unreadCount, 0);
    const reading = session.stat('/a');
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    await reading;
    world.time.advance(SESSION_MS / 3 - 10);
    assert.equal(world.link.unreadCount, 0);
    world.time.advance(10);
    world.link.answerPing();
    assert.deepEqual(world.told, []);
  });

  test('is given up after two thirds; what was sent is lost, and another server gets the session', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const write = session.set('/a', 'x');
    const first = world.link;
    world.time.advance((SESSION_MS * 2) / 3 - 20);
    assert.deepEqual(world.told, []);
    world.time.advance(20);
    assert.deepEqual(world.told, ['disconnected']);
    assert.ok(first.isDestroyed);
    await failsWith(write, 'CONNECTIONLOSS');

    const link = world.nextLink();
    assert.notEqual(link.server.host, first.server.host);
    const request = link.accept();
    request.int();
    assert.equal(request.long(), 1n, 'last zxid');
    request.int();
    assert.equal(request.long(), SESSION_ID);
    assert.deepEqual(request.bytes(), PASSWORD);
    assert.deepEqual(world.told, ['disconnected', 'connected']);
  });

  test('and nobody else either: the session is over by our own clock, no later than by theirs', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    world.passAlive(4_000);
    const lastProof = world.time.monotonic() - 1_000; // the ping at 3000 ms was the last to be answered
    const waiting = session.stat('/a');
    while (!world.told.includes('expired')) world.time.advance(10);
    assert.ok(world.time.monotonic() <= lastProof + SESSION_MS);
    await failsWith(waiting, 'SESSIONEXPIRED');
    await settle(world, failsWith(session.stat('/a'), 'SESSIONEXPIRED'));
    const count = world.links.length;
    world.time.advance(60_000);
    assert.equal(world.links.length, count, 'it goes on trying');
    assert.equal(world.told.filter((state) => state === 'expired').length, 1);
  });

  test('half a frame is no sign of life for ever', async () => {
    const world = new FakeWorld();
    await world.connect();
    world.link.sendRaw(Buffer.from([0, 0, 0, 100, 1, 2, 3]));
    world.time.advance((SESSION_MS * 2) / 3);
    assert.deepEqual(world.told, ['disconnected']);
  });

  test('to one request, while it answers pings, is given up after the session timeout', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const write = session.set('/a', 'x');
    world.link.take(OpCode.setData);
    world.passAlive(SESSION_MS - 200);
    assert.deepEqual(world.told, []);
    world.time.advance(300);
    assert.deepEqual(world.told, ['disconnected']);
    await failsWith(write, 'CONNECTIONLOSS');
  });
});

describe('a process that stood still', () => {
  test('for longer than its session does not hear of answers that came meanwhile', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const reading = session.stat('/a');
    const { xid } = world.link.take(OpCode.exists);
    world.pausedMs = SESSION_MS + 1;
    world.link.answer(Xid.notification, (writer) => writer.int(3).int(3).text('/a'), { zxid: -1 });
    assert.deepEqual(world.told, ['expired']);
    assert.ok(world.link.isDestroyed);
    await failsWith(reading, 'CONNECTIONLOSS');
    world.link.answer(xid, writeStat);
    assert.deepEqual(world.told, ['expired']);
  });

  test('cannot send anything before it notices', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    world.pausedMs = SESSION_MS + 1;
    const write = session.set('/a', 'x');
    assert.equal(world.link.unreadCount, 0);
    await settle(world, failsWith(write, 'SESSIONEXPIRED'));
    assert.deepEqual(world.told, ['expired']);
  });

  test('is not left in doubt when a deadline of the connection comes first', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const reading = session.stat('/a');
    world.pausedMs = SESSION_MS + 1;
    world.link.cut();
    assert.deepEqual(world.told, ['expired']);
    await failsWith(reading, 'CONNECTIONLOSS');
  });

  test('is over for whoever asks before its timer has come', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const coordination = session.raw as ZookeeperCoordination;
    world.pausedMs = SESSION_MS - 200;
    coordination.noticeEnd();
    assert.deepEqual(world.told, []);
    world.pausedMs = SESSION_MS + 1;
    coordination.noticeEnd();
    assert.deepEqual(world.told, ['expired']);
  });

  test('for less goes on', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const reading = session.stat('/a');
    world.pausedMs = SESSION_MS - 200;
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    assert.notEqual(await reading, null);
    assert.deepEqual(world.told, []);
  });
});

describe('a server that answers wrongly', () => {
  const cases: [string, (world: FakeWorld, xid: number) => void][] = [
    ['another number', (world, xid) => world.link.answer(xid + 1, writeStat)],
    ['a number from the past', (world) => world.link.answer(1, writeStat)],
    ['a ping that was not sent', (world) => world.link.answer(Xid.ping)],
    ['half an answer', (world, xid) => world.link.answer(xid, (writer) => writer.long(5n))],
    [
      'more than an answer',
      (world, xid) =>
        world.link.answer(xid, (writer) => {
          writeStat(writer);
          writer.int(0);
        }),
    ],
    ['no header', (world) => world.link.send((writer) => writer.int(1))],
    ['a frame of a negative size', (world) => world.link.sendRaw(Buffer.from('ffffffff', 'hex'))],
    ['a frame that is too large', (world) => world.link.sendRaw(Buffer.from('HTTP/1.1 400 Bad Request'))],
    [
      'a notification of no known kind',
      (world) =>
        world.link.answer(Xid.notification, (writer) => writer.int(77).int(3).text('/a'), { zxid: -1 }),
    ],
    [
      'a transaction id beyond all numbers',
      (world, xid) =>
        world.link.send((writer) =>
          writer
            .int(xid)
            .long(2n ** 62n)
            .int(0),
        ),
    ],
    [
      'that the session has moved',
      (world, xid) => world.link.answer(xid, undefined, { error: ServerError.sessionMoved }),
    ],
  ];
  for (const [what, act] of cases) {
    test(`${what}: the connection ends, and the call is told`, async () => {
      const world = new FakeWorld();
      const session = await world.connect();
      const call = session.set('/a', 'x');
      const { xid } = world.link.take(OpCode.setData);
      const { link } = world;
      act(world, xid);
      assert.ok(link.isDestroyed);
      assert.deepEqual(world.told, ['disconnected']);
      const failure = await failsWith(call, 'CONNECTIONLOSS');
      assert.match(failure.message, /(a:1|b:2|c:3): .{10}/, 'the reason');
      world.reconnect();
      const again = session.set('/a', 'y');
      world.link.answer(world.link.take(OpCode.setData).xid, writeStat);
      await again;
    });
  }

  test('a list that claims more items than there are bytes is refused', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const call = session.children('/a');
    // It is asked again, and given up when that does not help.
    for (let i = 0; i < 3; i++) {
      if (i > 0) world.reconnect();
      world.link.answer(world.link.take(OpCode.getChildren).xid, (writer) => writer.int(0x7fffffff));
    }
    assert.match((await failsWith(call, 'CONNECTIONLOSS')).message, /a list has 2147483647 items/);
    world.reconnect();
    assert.equal(world.link.unreadCount, 0);
  });

  test('an error that has no name is told with its number', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const call = session.stat('/a');
    world.link.answer(world.link.take(OpCode.exists).xid, undefined, { error: -77 });
    assert.match((await failsWith(call, 'SYSTEMERROR')).message, /error -77/);
    assert.deepEqual(world.told, []);
  });

  test('answers may come byte by byte, or many in one', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const calls = [session.stat('/a'), session.stat('/b')];
    const { link } = world;
    const received: Buffer[] = [];
    const sendRaw = link.sendRaw.bind(link);
    link.sendRaw = (bytes) => received.push(Buffer.from(bytes));
    for (let i = 0; i < 2; i++) link.answer(link.take(OpCode.exists).xid, writeStat);
    const bytes = Buffer.concat(received);
    for (const byte of bytes.subarray(0, 30)) sendRaw(Buffer.from([byte]));
    sendRaw(bytes.subarray(30));
    assert.equal((await Promise.all(calls)).length, 2);
  });
});

describe('the end of a session', () => {
  test('a server that is asked to take it over says that it is gone', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const watch = new RecordedWatch();
    void session.stat('/a', watch.watch);
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    await turns();
    world.link.cut();
    const waiting = session.stat('/a');
    world.nextLink().accept({ timeoutMs: 0, sessionId: 0n });
    assert.deepEqual(world.told, ['disconnected', 'expired']);
    await failsWith(waiting, 'SESSIONEXPIRED');
    await settle(world, failsWith(session.set('/a', 'x'), 'SESSIONEXPIRED'));
    assert.deepEqual(watch.events, []);
  });

  test('a server says so in an answer', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const [one, two] = [session.stat('/a'), session.stat('/b')];
    world.link.answer(world.link.take(OpCode.exists).xid, undefined, { error: ServerError.sessionExpired });
    await failsWith(one, 'SESSIONEXPIRED');
    await failsWith(two, 'CONNECTIONLOSS');
    assert.deepEqual(world.told, ['expired']);
  });

  test('another session in its place is not taken', async () => {
    const world = new FakeWorld();
    await world.connect();
    world.link.cut();
    const link = world.nextLink();
    link.accept({ sessionId: 99n });
    assert.ok(link.isDestroyed);
    assert.deepEqual(world.told, ['disconnected']);
    world.reconnect();
    assert.deepEqual(world.told, ['disconnected', 'connected']);
  });

  test('an identity that is not accepted any more ends it', async () => {
    const world = new FakeWorld();
    const connecting = world.begin({ identity: { digest: { user: 'u', password: 'p' } } });
    world.link.accept();
    world.link.take(OpCode.auth);
    world.link.answer(Xid.auth);
    await turns();
    world.answerRoot();
    const raw = await connecting;
    raw.onSession((state) => world.told.push(state));
    world.link.cut();
    world.nextLink().accept();
    world.link.answer(Xid.auth, undefined, { error: ServerError.authFailed });
    assert.deepEqual(world.told, ['disconnected', 'expired']);
    const call = new Promise<void>((resolve, reject) => {
      raw.stat('/a', null, (...[error]) => (error === null ? resolve() : reject(error)));
    });
    await settle(world, failsWith(call, 'AUTHFAILED'));
  });

  test('closing waits for the answers to what was asked before, and refuses what comes after', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const before = session.stat('/a');
    const closing = session.close();
    const after = session.stat('/b');
    world.link.answer(world.link.take(OpCode.exists).xid, writeStat);
    world.link.answer(world.link.take(OpCode.closeSession).xid);
    assert.notEqual(await before, null);
    await closing;
    await settle(world, failsWith(after, 'SESSIONEXPIRED'));
    assert.ok(world.link.isDestroyed);
    assert.deepEqual(world.told, []);
    await settle(world, session.close());
  });

  test('closing ends also when the connection does', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    const before = session.set('/a', 'x');
    const closing = session.close();
    world.link.cut();
    await failsWith(before, 'CONNECTIONLOSS');
    await closing;
    const count = world.links.length;
    world.time.advance(60_000);
    assert.equal(world.links.length, count);
  });

  test('closing without a connection does not wait for one', async () => {
    const world = new FakeWorld();
    const session = await world.connect();
    world.link.cut();
    const waiting = session.stat('/a');
    const closing = session.close();
    world.time.advance(0);
    await closing;
    await failsWith(waiting, 'SESSIONEXPIRED');
  });
});

test('what a session fails with is an error of the port', async () => {
  const world = new FakeWorld();
  const session = await world.connect();
  world.link.cut('gone');
  const failure = session.close().then(() => session.stat('/a'));
  world.time.advance(0);
  await turns();
  world.time.advance(0);
  await assert.rejects(failure, CoordinationError);
});
