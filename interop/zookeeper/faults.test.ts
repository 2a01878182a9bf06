// What goes wrong around a session: servers die, hang, come back; the process stands still. Real servers, real time.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoordinationError, type SessionState } from '@odradek/core/ports/coordination.ts';
import { serverName } from '@odradek/broker/adapters/zookeeper/connect-string.ts';
import type { ZookeeperCoordination } from '@odradek/broker/adapters/zookeeper/zookeeper-coordination.ts';
import {
  failsWith,
  PromisedSession,
  RecordedWatch,
} from '../../packages/core/test/coordination/promised-session.ts';
import { freePort } from '../../scripts/free-port.ts';
import { startZookeeper, type RunningZookeeper, type ZookeeperServer } from '../../scripts/zookeeper.ts';
import { connectTo, expireSession, newRoot } from './ensemble-world.ts';

const SESSION_MS = 4_000;

describe('an ensemble of three', () => {
  let zookeeper: RunningZookeeper;
  before(async () => {
    zookeeper = await startZookeeper({ servers: 3 });
  });
  after(() => zookeeper.stop());

  const connect = async (root: string) => {
    const raw = await connectTo(root, { sessionTimeoutMs: SESSION_MS });
    const told: SessionState[] = [];
    raw.onSession((state) => told.push(state));
    return { raw, told, session: new PromisedSession(raw) };
  };
  const serverOf = (raw: ZookeeperCoordination): ZookeeperServer => {
    const name = serverName(raw.session.server!);
    return zookeeper.servers.find(({ address }) => address === name)!;
  };
  const leader = async () => {
    for (;;) {
      for (const server of zookeeper.servers) if ((await server.role()) === 'leader') return server;
    }
  };

  test('the leader is killed: no acknowledged write is lost, no transaction is half there, the session lives', async () => {
    const root = await newRoot(zookeeper);
    const { raw, told, session } = await connect(root);
    const { sessionId } = raw;
    await session.write(
      { type: 'create', path: '/one', data: null, mode: 'persistent' },
      { type: 'create', path: '/two', data: null, mode: 'ephemeral' },
    );
    const killed = await leader();
    const acknowledged: string[] = [];
    const doubtful: string[] = [];
    const writeAll = async () => {
      for (let i = 0; i < 300; i++) {
        const value = `${i}`;
        await session
          .write(
            { type: 'set', path: '/one', data: Buffer.from(value), version: -1 },
            { type: 'set', path: '/two', data: Buffer.from(value), version: -1 },
            { type: 'create', path: `/n-${i}`, data: null, mode: 'persistent' },
          )
          .then(
            () => acknowledged.push(value),
            (error: CoordinationError) => {
              assert.equal(error.code, 'CONNECTIONLOSS');
              doubtful.push(value);
            },
          );
        if (i === 100) await killed.kill();
        const [one, two] = await Promise.all([readSurely(session, '/one'), readSurely(session, '/two')]);
        assert.equal(one, two, 'half a transaction');
        assert.ok(one === value || doubtful.includes(value), `${value} was acknowledged, there is ${one}`);
      }
    };
    await writeAll();
    const names = new Set(await session.children('/'));
    for (const value of acknowledged)
      assert.ok(names.has(`n-${value}`), `${value} was acknowledged and is gone`);
    assert.ok(acknowledged.length >= 290, `${acknowledged.length} acknowledged, ${doubtful.length} in doubt`);
    assert.ok(!told.includes('expired'));
    assert.equal(raw.sessionId, sessionId);
    await session.close();
    await killed.startAgain();
  });

  test('the server stops and keeps its connections: the read deadline finds another, watches are set again', async () => {
    const root = await newRoot(zookeeper);
    const { raw, told, session } = await connect(root);
    const other = await connect(root);
    await session.create('/data', 'old');
    await session.create('/parent');
    const [data, absent, children, quiet] = [
      new RecordedWatch(),
      new RecordedWatch(),
      new RecordedWatch(),
      new RecordedWatch(),
    ];
    await session.read('/data', data.watch);
    await session.stat('/absent', absent.watch);
    await session.children('/parent', children.watch);
    await session.read('/parent', quiet.watch);
    const stopped = serverOf(raw);
    while (serverOf(other.raw) === stopped) {
      await other.session.close();
      Object.assign(other, await connect(root));
    }
    const begin = performance.now();
    stopped.pause();
    try {
      const inFlight = session.set('/data', 'lost?');
      const outcome = await failsWith(inFlight, 'CONNECTIONLOSS');
      const tookMs = performance.now() - begin;
      assert.ok(tookMs <= SESSION_MS * 0.67 + 700, `the read deadline took ${tookMs} ms`);
      assert.match(outcome.message, /said nothing for/);
      await other.session.create('/absent');
      await other.session.create('/parent/child');
      await other.session.set('/data', 'new');
      assert.equal((await data.fired()).type, 'data');
      assert.equal((await absent.fired()).type, 'created');
      assert.equal((await children.fired()).type, 'children');
      assert.deepEqual(quiet.events, []);
      assert.deepEqual(told, ['disconnected', 'connected']);
      assert.notEqual(serverOf(raw), stopped);
    } finally {
      stopped.resume();
    }
    await session.close();
    await other.session.close();
  });

  test('all servers stop: the session is over by its own clock, and nothing is sent later', async () => {
    const root = await newRoot(zookeeper);
    const { told, session } = await connect(root);
    await session.create('/mine', null, 'ephemeral');
    const begin = performance.now();
    for (const server of zookeeper.servers) server.pause();
    try {
      const waiting = failsWith(session.create('/late'), 'CONNECTIONLOSS');
      while (!told.includes('expired')) await sleep(5);
      const tookMs = performance.now() - begin;
      assert.ok(tookMs <= SESSION_MS + 50, `our clock took ${tookMs} ms`);
      await waiting;
      await failsWith(session.stat('/mine'), 'SESSIONEXPIRED');
    } finally {
      for (const server of zookeeper.servers) server.resume();
    }
    const other = await connect(root);
    while ((await other.session.stat('/mine')) !== null) await sleep(50);
    await other.session.close();
  });

  test('a process that stood still hears first of all that its session is over', async () => {
    const root = await newRoot(zookeeper);
    const { session } = await connect(root);
    const owner = fork(new URL('./session-owner.ts', import.meta.url), [root, String(SESSION_MS)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const said: string[] = [];
    owner.on('message', (message) => said.push(String(message)));
    try {
      await once(owner, 'message');
      assert.deepEqual(said, ['owns /owned']);
      const gone = new RecordedWatch();
      await session.whenThere('/owned');
      await session.stat('/owned', gone.watch);
      owner.kill('SIGSTOP');
      assert.deepEqual(await gone.fired(), { type: 'deleted', path: '/owned' });
      await session.create('/owned', 'by another', 'ephemeral');
      owner.kill('SIGCONT');
      while (said.length < 2) await once(owner, 'message');
      assert.equal(said[1], 'expired');
    } finally {
      owner.kill('SIGKILL');
    }
    await session.close();
  });

  test('a session that was closed from outside is told so when it connects again', async () => {
    const root = await newRoot(zookeeper);
    const { raw, told, session } = await connect(root);
    await expireSession(raw);
    while (!told.includes('expired')) await sleep(5);
    await failsWith(session.stat('/'), 'SESSIONEXPIRED');
  });
});

describe('one server', () => {
  let zookeeper: RunningZookeeper;
  before(async () => {
    zookeeper = await startZookeeper();
  });
  after(() => zookeeper.stop());

  test('1,000 ephemeral sequential creations at once are answered in their order, and go with their session', async () => {
    const root = await newRoot(zookeeper);
    const session = new PromisedSession(await connectTo(root, { maxInFlightRequests: 1_000 }));
    const begin = performance.now();
    const paths = await Promise.all(
      Array.from({ length: 1_000 }, () => session.create('/n-', null, 'ephemeral-sequential')),
    );
    const tookMs = Math.round(performance.now() - begin);
    assert.deepEqual(
      paths,
      Array.from({ length: 1_000 }, (_, i) => `/n-${String(i).padStart(10, '0')}`),
    );
    assert.equal((await session.children('/')).length, 1_000);
    await session.close();
    const other = new PromisedSession(await connectTo(root));
    assert.deepEqual(await other.children('/'), []);
    await other.close();
    console.log(`1,000 creations took ${tookMs} ms`);
  });

  test('a restart of the server ends no session', async () => {
    const root = await newRoot(zookeeper);
    const raw = await connectTo(root);
    const session = new PromisedSession(raw);
    await session.create('/kept', null, 'ephemeral');
    const [server] = zookeeper.servers;
    const lost = new Promise<void>((resolve) => {
      raw.onSession((state) => {
        if (state === 'disconnected') resolve();
      });
    });
    await server!.kill();
    await lost;
    const waiting = session.stat('/kept');
    await server!.startAgain();
    assert.equal((await waiting)?.ephemeralOwner, raw.sessionId);
    await session.close();
  });

  test('a root path that is not there is named', async () => {
    const failure = await failsWith(connectTo(`${zookeeper.connectString}/not/there`), 'NONODE');
    assert.match(failure.message, /root path \/not\/there of zookeeper\.connect is not there/);
  });

  test('what lies outside the root path is not seen', async () => {
    const [one, two] = [await newRoot(zookeeper), await newRoot(zookeeper)];
    const sessions = [new PromisedSession(await connectTo(one)), new PromisedSession(await connectTo(two))];
    await sessions[0]!.create('/a', 'x');
    assert.equal(await sessions[1]!.stat('/a'), null);
    const whole = new PromisedSession(await connectTo(zookeeper.connectString));
    const path = one.slice(one.indexOf('/'));
    assert.equal((await whole.read(`${path}/a`)).data?.toString(), 'x');
    for (const session of [...sessions, whole]) await session.close();
  });

  test('nobody there: the start fails when its time is up, with the reason', async () => {
    const port = await freePort();
    const begin = performance.now();
    const failure = await failsWith(
      connectTo(`127.0.0.1:${port}`, { connectionTimeoutMs: 1_000 }),
      'CONNECTIONLOSS',
    );
    const tookMs = performance.now() - begin;
    assert.ok(tookMs >= 990 && tookMs < 1_500, `${tookMs} ms`);
    assert.match(failure.message, /ECONNREFUSED/);
  });

  test('a server of another kind is recognized', async () => {
    const { createServer } = await import('node:net');
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('SSH-2.0-OpenSSH_9.6\r\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const failure = await failsWith(
      connectTo(`127.0.0.1:${port}`, { connectionTimeoutMs: 500 }),
      'CONNECTIONLOSS',
    );
    assert.match(failure.message, /it is not a ZooKeeper server/);
    server.close();
  });
});

/** Reads until an answer comes: a connection may be lost meanwhile. */
async function readSurely(session: PromisedSession, path: string): Promise<string | null> {
  for (;;) {
    try {
      return (await session.read(path)).data?.toString() ?? null;
    } catch (error) {
      if (!(error instanceof CoordinationError) || error.code !== 'CONNECTIONLOSS') throw error;
    }
  }
}
