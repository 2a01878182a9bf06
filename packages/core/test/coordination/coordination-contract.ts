// What every implementation of the coordination port must do. Run by the tests of each of them. What one session
// wrote another may see later (ZooKeeper: another server of the ensemble), so it is waited for.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { WRITE_SIZE_MAX_BYTES, type Coordination } from '../../src/ports/coordination.ts';
import { bytes, creation, failsWith, PromisedSession, RecordedWatch } from './promised-session.ts';

/** One tree, empty but for its root, and what a test needs to do to it from outside. */
export interface CoordinationWorld {
  /** A new session with the tree. */
  connect(): Promise<Coordination>;
  /** Ends a session as if nothing had been heard of it for too long. */
  expire(session: Coordination): Promise<void>;
  close(): Promise<void>;
}

export function coordinationContract(name: string, createWorld: () => Promise<CoordinationWorld>): void {
  describe(`coordination contract: ${name}`, () => {
    let world: CoordinationWorld;
    let session: PromisedSession;
    const connect = async () => new PromisedSession(await world.connect());

    beforeEach(async () => {
      world = await createWorld();
      session = await connect();
    });
    afterEach(() => world.close());

    describe('nodes', () => {
      test('a node keeps its data and tells of its history', async () => {
        await session.create('/a', 'first');
        const before = await session.read('/a');
        assert.equal(before.data?.toString(), 'first');
        assert.equal(before.stat.version, 0);
        assert.equal(before.stat.czxid, before.stat.mzxid);
        const changed = await session.set('/a', 'second', 0);
        assert.equal(changed.version, 1);
        assert.equal(changed.czxid, before.stat.czxid);
        assert.ok(changed.mzxid > before.stat.mzxid);
        assert.ok(changed.mtimeMs >= before.stat.mtimeMs);
        assert.equal((await session.read('/a')).data?.toString(), 'second');
        assert.deepEqual(await session.stat('/a'), changed);
      });

      test('null and empty data are not the same', async () => {
        await session.create('/null', null);
        await session.create('/empty', '');
        assert.equal((await session.read('/null')).data, null);
        assert.equal((await session.read('/empty')).data?.length, 0);
      });

      test('a node needs its parent, and a name of its own', async () => {
        await failsWith(session.create('/a/b'), 'NONODE');
        await session.create('/a');
        await failsWith(session.create('/a'), 'NODEEXISTS');
        await session.create('/a/b');
        assert.deepEqual(await session.children('/a'), ['b']);
      });

      test('a node with children cannot be deleted', async () => {
        await session.create('/a');
        await session.create('/a/b');
        await failsWith(session.delete('/a'), 'NOTEMPTY');
        await session.delete('/a/b');
        await session.delete('/a');
        assert.equal(await session.stat('/a'), null);
      });

      test('what is not there cannot be read, changed, deleted or listed', async () => {
        await failsWith(session.read('/a'), 'NONODE');
        await failsWith(session.set('/a', 'x'), 'NONODE');
        await failsWith(session.delete('/a'), 'NONODE');
        await failsWith(session.children('/a'), 'NONODE');
        assert.equal(await session.stat('/a'), null);
      });

      test('a write of an older version fails and changes nothing', async () => {
        await session.create('/a', 'first');
        await session.set('/a', 'second', 0);
        await failsWith(session.set('/a', 'third', 0), 'BADVERSION');
        await failsWith(session.delete('/a', 0), 'BADVERSION');
        assert.equal((await session.read('/a')).data?.toString(), 'second');
        await session.delete('/a', 1);
      });

      test('children count, and each coming and going counts as a change', async () => {
        await session.create('/a');
        await session.create('/a/b');
        await session.create('/a/c');
        await session.delete('/a/b');
        const stat = (await session.stat('/a'))!;
        assert.equal(stat.childCount, 1);
        assert.equal(stat.cversion, 3);
        assert.equal(stat.version, 0);
      });

      test('grandchildren are not children', async () => {
        await session.create('/a');
        await session.create('/a/b');
        await session.create('/a/b/c');
        await session.create('/ab');
        assert.deepEqual(await session.children('/a'), ['b']);
        assert.deepEqual([...(await session.children('/a/b'))], ['c']);
      });

      test('paths that are none are refused', async () => {
        for (const path of ['', 'a', '/a/', '//', '/a//b', '/.', '/a/..', '/a\u0000b'])
          await failsWith(session.create(path), 'BADARGUMENTS');
      });

      test('the root is there and stays', async () => {
        assert.notEqual(await session.stat('/'), null);
        await failsWith(session.delete('/'), 'BADARGUMENTS');
        await failsWith(session.create('/'), 'NODEEXISTS');
      });

      test('names may hold what is special elsewhere', async () => {
        const names = ["it's", 'a b', '%41', '<default>', 'é', '_', '"', 'a*?'];
        for (const one of names) await session.create(`/${one}`, one);
        for (const one of names) assert.equal((await session.read(`/${one}`)).data?.toString(), one);
        for (const one of names) assert.ok((await session.children('/')).includes(one));
      });

      test('sequential nodes are numbered by their parent, and no number comes twice', async () => {
        await session.create('/a');
        assert.equal(await session.create('/a/n-', null, 'persistent-sequential'), '/a/n-0000000000');
        await session.create('/a/between');
        assert.equal(await session.create('/a/n-', null, 'ephemeral-sequential'), '/a/n-0000000002');
        await session.delete('/a/n-0000000002');
        assert.equal(await session.create('/a/', null, 'persistent-sequential'), '/a/0000000003');
      });

      test('a write that is too large is refused, one that just fits is not', async () => {
        const fits = 'x'.repeat(WRITE_SIZE_MAX_BYTES - 2);
        await session.create('/a', fits);
        assert.equal((await session.read('/a')).data?.length, fits.length);
        await failsWith(session.create('/b', fits + 'xx'), 'BADARGUMENTS');
      });
    });

    describe('writes of several operations', () => {
      test('all of them, as one transaction, each seeing those before it', async () => {
        const results = await session.write(
          creation('/a'),
          creation('/a/b', 'x'),
          { type: 'set', path: '/a/b', data: bytes('y'), version: 0 },
          creation('/a/n', null, 'persistent-sequential'),
          { type: 'check', path: '/a', version: 0 },
          { type: 'delete', path: '/a/n0000000001', version: 0 },
        );
        assert.deepEqual(
          results.map(({ path }) => path),
          ['/a', '/a/b', null, '/a/n0000000001', null, null],
        );
        const { data, stat } = await session.read('/a/b');
        assert.equal(data?.toString(), 'y');
        assert.equal(stat.czxid, stat.mzxid);
        assert.deepEqual(results[2]!.stat, stat);
        assert.deepEqual(await session.children('/a'), ['b']);
      });

      test('a node deleted and made again in one write is another one, of another owner', async () => {
        const other = await connect();
        await session.create('/a', 'old', 'ephemeral');
        await other.write(
          { type: 'delete', path: '/a', version: 0 },
          { type: 'create', path: '/a', data: bytes('new'), mode: 'ephemeral' },
        );
        const { data, stat } = await other.read('/a');
        assert.deepEqual([data?.toString(), stat.version], ['new', 0]);
        assert.equal(stat.ephemeralOwner, other.raw.sessionId);
        assert.equal(stat.czxid, stat.mzxid);
      });

      test('none of them when one fails, and the error names it', async () => {
        await session.create('/a', 'first');
        const failure = await failsWith(
          session.write(
            creation('/b'),
            { type: 'set', path: '/a', data: bytes('second'), version: 0 },
            { type: 'check', path: '/a', version: 0 },
          ),
          'BADVERSION',
        );
        assert.equal(failure.operation, 2);
        assert.equal(failure.path, '/a');
        assert.equal(await session.stat('/b'), null);
        assert.equal((await session.read('/a')).data?.toString(), 'first');
        assert.equal((await session.read('/a')).stat.version, 0);
      });

      test('checking what is not there fails, whatever the version', async () => {
        await failsWith(session.write({ type: 'check', path: '/a', version: -1 }), 'NONODE');
      });

      test('a failed write leaves no trace in sequence numbers', async () => {
        await session.create('/a');
        await failsWith(
          session.write(creation('/a/n', null, 'persistent-sequential'), creation('/x/y')),
          'NONODE',
        );
        assert.equal(await session.create('/a/n', null, 'persistent-sequential'), '/a/n0000000000');
      });
    });

    describe('order', () => {
      test('calls take effect and are answered in the order they were made, never at once', async () => {
        const order: string[] = [];
        const done = (what: string) => () => order.push(what);
        await new Promise<void>((resolve) => {
          session.raw.write([creation('/a')], done('create'));
          session.raw.read('/a', null, done('read'));
          session.raw.write([{ type: 'delete', path: '/a', version: 0 }], done('delete'));
          session.raw.stat('/a', null, done('stat'));
          session.raw.children('/', null, () => resolve());
          order.push('called');
        });
        assert.deepEqual(order, ['called', 'create', 'read', 'delete', 'stat']);
      });

      test('transaction ids rise over all sessions', async () => {
        const other = await connect();
        await session.create('/a');
        await other.create('/b');
        const third = await session.set('/a', 'x');
        const [a, b] = [await other.whenThere('/a'), await session.whenThere('/b')];
        assert.ok(a.czxid < b.czxid && b.czxid < third.mzxid);
      });
    });

    describe('watches', () => {
      test('a watch on data fires once, for the first change', async () => {
        await session.create('/a');
        const recorded = new RecordedWatch();
        await session.read('/a', recorded.watch);
        await session.set('/a', 'x');
        await session.set('/a', 'y');
        assert.deepEqual(recorded.events, [{ type: 'data', path: '/a' }]);
      });

      test('a watch may wait for a node that is not there', async () => {
        const recorded = new RecordedWatch();
        assert.equal(await session.stat('/a', recorded.watch), null);
        await session.create('/a');
        assert.deepEqual(recorded.events, [{ type: 'created', path: '/a' }]);
      });

      test('a read that fails sets no watch', async () => {
        const recorded = new RecordedWatch();
        await failsWith(session.read('/a', recorded.watch), 'NONODE');
        await failsWith(session.children('/a', recorded.watch), 'NONODE');
        await session.create('/a');
        await session.create('/a/b');
        assert.deepEqual(recorded.events, []);
      });

      test('a watch on children fires for a child that comes or goes, not for its data', async () => {
        await session.create('/a');
        await session.create('/a/b');
        const recorded = new RecordedWatch();
        await session.children('/a', recorded.watch);
        await session.set('/a', 'x');
        await session.set('/a/b', 'x');
        assert.deepEqual(recorded.events, []);
        await session.create('/a/c');
        assert.deepEqual(recorded.events, [{ type: 'children', path: '/a' }]);
        const second = new RecordedWatch();
        await session.children('/a', second.watch);
        await session.delete('/a/c');
        assert.deepEqual(second.events, [{ type: 'children', path: '/a' }]);
      });

      test('deletion fires watches on data and on children', async () => {
        await session.create('/a');
        const [data, children, both] = [new RecordedWatch(), new RecordedWatch(), new RecordedWatch()];
        await session.stat('/a', data.watch);
        await session.children('/a', children.watch);
        await session.read('/a', both.watch);
        await session.children('/a', both.watch);
        await session.delete('/a');
        assert.deepEqual(data.events, [{ type: 'deleted', path: '/a' }]);
        assert.deepEqual(children.events, [{ type: 'deleted', path: '/a' }]);
        assert.deepEqual(both.events, [{ type: 'deleted', path: '/a' }]);
      });

      test('the same function set twice fires once', async () => {
        await session.create('/a');
        const recorded = new RecordedWatch();
        await session.read('/a', recorded.watch);
        await session.stat('/a', recorded.watch);
        await session.set('/a', 'x');
        assert.equal(recorded.events.length, 1);
      });

      test('a watch fires for the write of another session, before the change can be read', async () => {
        const other = await connect();
        await session.create('/a', 'old');
        const recorded = new RecordedWatch();
        await session.read('/a', recorded.watch);
        const seen: string[] = [];
        void other.set('/a', 'new');
        for (;;) {
          const { data } = await session.read('/a');
          seen.push(`${data!.toString()} after ${recorded.events.length}`);
          if (data!.toString() === 'new') break;
        }
        assert.equal(seen.at(-1), 'new after 1');
      });

      test('a failed write fires nothing', async () => {
        await session.create('/a');
        const recorded = new RecordedWatch();
        await session.read('/a', recorded.watch);
        await failsWith(
          session.write({ type: 'set', path: '/a', data: null, version: 0 }, creation('/x/y')),
          'NONODE',
        );
        assert.deepEqual(recorded.events, []);
      });
    });

    describe('sessions', () => {
      test('sessions have ids of their own', async () => {
        const other = await connect();
        assert.notEqual(session.raw.sessionId, other.raw.sessionId);
      });

      test('an ephemeral node has an owner and no children', async () => {
        await session.create('/e', 'x', 'ephemeral');
        const stat = (await session.stat('/e'))!;
        assert.equal(stat.ephemeralOwner, session.raw.sessionId);
        await failsWith(session.create('/e/child'), 'NOCHILDRENFOREPHEMERALS');
        await session.create('/p');
        assert.equal((await session.stat('/p'))!.ephemeralOwner, null);
      });

      test('closing a session removes its ephemeral nodes and nothing else', async () => {
        const other = await connect();
        await other.create('/mine', null, 'ephemeral');
        await other.create('/kept');
        await session.create('/theirs', null, 'ephemeral');
        const gone = new RecordedWatch();
        await session.whenThere('/mine');
        await session.stat('/mine', gone.watch);
        await other.close();
        assert.deepEqual(await gone.fired(), { type: 'deleted', path: '/mine' });
        assert.equal(await session.stat('/mine'), null);
        assert.notEqual(await session.stat('/kept'), null);
        assert.notEqual(await session.stat('/theirs'), null);
      });

      test('expiry removes the ephemeral nodes, tells the session, and fails all that it asks from then on', async () => {
        const other = await connect();
        await other.create('/mine', null, 'ephemeral');
        await session.create('/a');
        const never = new RecordedWatch();
        await other.whenThere('/a');
        await other.read('/a', never.watch);
        const told = new Promise<void>((resolve) => {
          other.raw.onSession((state) => {
            // It may have been disconnected before.
            if (state === 'expired') resolve();
          });
        });
        const gone = new RecordedWatch();
        await session.whenThere('/mine');
        await session.stat('/mine', gone.watch);
        await world.expire(other.raw);
        await told;
        assert.deepEqual(await gone.fired(), { type: 'deleted', path: '/mine' });
        await failsWith(other.read('/a'), 'SESSIONEXPIRED');
        await failsWith(other.create('/b'), 'SESSIONEXPIRED');
        await session.set('/a', 'x');
        assert.deepEqual(never.events, []);
      });

      test('a session that was closed answers that it is over', async () => {
        const other = await connect();
        const before = other.create('/a');
        await other.close();
        assert.equal(await before, '/a');
        await failsWith(other.stat('/a'), 'SESSIONEXPIRED');
      });

      test('who takes the place of an expired owner is a new owner of a new node', async () => {
        const other = await connect();
        await other.create('/leader', null, 'ephemeral');
        const before = await session.whenThere('/leader');
        await failsWith(session.create('/leader', null, 'ephemeral'), 'NODEEXISTS');
        await world.expire(other.raw);
        while ((await session.stat('/leader')) !== null);
        await session.create('/leader', null, 'ephemeral');
        const after = (await session.stat('/leader'))!;
        assert.ok(after.czxid > before.czxid);
        assert.equal(after.ephemeralOwner, session.raw.sessionId);
      });
    });
  });
}
