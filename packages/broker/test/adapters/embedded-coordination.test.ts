import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createInterface } from 'node:readline';
import { coordinationContract } from '../../../core/test/coordination/coordination-contract.ts';
import { failsWith, PromisedSession } from '../../../core/test/coordination/promised-session.ts';
import { EmbeddedTree } from '../../src/adapters/embedded-coordination/embedded-tree.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'odradek-tree-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => join(folder, `tree-${(files += 1)}.db`);

const moduleText = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
/** For scripts that run in processes of their own. */
const imports = `import { EmbeddedTree } from ${moduleText('../../src/adapters/embedded-coordination/embedded-tree.ts')};
import { systemClock } from ${moduleText('../../src/adapters/system-clock.ts')};`;

function contractOn(name: string, location: () => string): void {
  coordinationContract(name, async () => {
    const tree = new EmbeddedTree(location(), systemClock);
    return {
      connect: async () => tree.connect(),
      expire: async (session) => tree.expireSession(session.sessionId),
      close: async () => tree.close(),
    };
  });
}

contractOn('embedded, in memory', () => ':memory:');
contractOn('embedded, in a file', newFile);

describe('an embedded tree in a file', () => {
  test('keeps persistent nodes over a restart and forgets ephemeral ones', async () => {
    const file = newFile();
    const first = new EmbeddedTree(file, systemClock);
    const session = new PromisedSession(first.connect());
    await session.create('/kept', 'x');
    await session.create('/kept/gone', null, 'ephemeral');
    await session.create('/kept/n', null, 'persistent-sequential');
    const { czxid } = (await session.stat('/kept'))!;
    first.close();

    const second = new EmbeddedTree(file, systemClock);
    const again = new PromisedSession(second.connect());
    assert.notEqual(again.raw.sessionId, session.raw.sessionId);
    assert.equal((await again.read('/kept')).data?.toString(), 'x');
    assert.deepEqual(await again.children('/kept'), ['n0000000001']);
    assert.equal((await again.stat('/kept'))!.czxid, czxid);
    await again.create('/later');
    assert.ok((await again.stat('/later'))!.czxid > czxid);
    assert.equal(await again.create('/kept/n', null, 'persistent-sequential'), '/kept/n0000000002');
    second.close();
  });

  test('belongs to one process: a second one is told so', () => {
    const file = newFile();
    const tree = new EmbeddedTree(file, systemClock);
    assert.throws(() => new EmbeddedTree(file, systemClock), /is another broker running on this folder/);
    tree.close();
    new EmbeddedTree(file, systemClock).close();
  });

  test('refuses a file that is no tree', () => {
    const file = newFile();
    writeFileSync(file, 'this is a file of another kind, and long enough to be looked at'.repeat(100));
    assert.throws(() => new EmbeddedTree(file, systemClock), /cannot open the coordination tree/);
  });

  test('separate trees share nothing', async () => {
    const trees = [new EmbeddedTree(':memory:', systemClock), new EmbeddedTree(':memory:', systemClock)];
    const [one, other] = trees.map((tree) => new PromisedSession(tree.connect()));
    await one!.create('/a');
    assert.equal(await other!.stat('/a'), null);
    for (const tree of trees) tree.close();
  });

  test('a write that the disk refuses fails, undone, with its watches still set', async () => {
    const tree = new EmbeddedTree(newFile(), systemClock);
    const session = new PromisedSession(tree.connect());
    await session.create('/a', 'old');
    const events: string[] = [];
    await session.read('/a', (event) => events.push(event.type));
    const store = tree.read((inner) => inner);
    const commit = store.commit.bind(store);
    const refusal = new Error('database or disk is full');
    store.commit = () => {
      store.commit = commit;
      store.rollback();
      throw refusal;
    };
    const failure = await failsWith(session.set('/a', 'new'), 'SYSTEMERROR');
    assert.match(failure.message, /disk is full/);
    assert.deepEqual(events, []);
    assert.equal((await session.read('/a')).data?.toString(), 'old');
    await session.set('/a', 'newer');
    assert.deepEqual(events, ['data']);
    tree.close();
  });

  test('a callback that throws does not keep the others from their answers, and is not hidden', () => {
    const script = join(folder, 'thrower.mts');
    writeFileSync(
      script,
      `${imports}
const session = new EmbeddedTree(':memory:', systemClock).connect();
session.write([{ type: 'create', path: '/a', data: null, mode: 'persistent' }], () => {
  throw new Error('a mistake of the caller');
});
session.stat('/a', null, (error, stat) => console.log('answered', stat.version));
`,
    );
    const ran = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', script]);
    assert.equal(ran.stdout.toString(), 'answered 0\n');
    assert.match(ran.stderr.toString(), /a mistake of the caller/);
    assert.notEqual(ran.status, 0);
  });
});

describe('a process that is killed', () => {
  let writer: string;

  before(() => {
    writer = join(folder, 'writer.mts');
    writeFileSync(
      writer,
      `${imports}
import { writeSync } from 'node:fs';
const session = new EmbeddedTree(process.argv[2], systemClock).connect();
const create = (path, mode, done) =>
  session.write([{ type: 'create', path, data: Buffer.from(path), mode }], (error) => {
    if (error) throw error;
    done();
  });
const next = (n) =>
  session.write(
    ['a', 'b'].map((half) => ({ type: 'create', path: '/n' + n + half, data: null, mode: 'persistent' })),
    (error) => {
      if (error) throw error;
      writeSync(1, n + '\\n');
      setImmediate(next, n + 1);
    },
  );
create('/owned', 'ephemeral', () => next(0));
`,
    );
  });

  test('loses nothing that was acknowledged, and leaves no half of a transaction', async () => {
    const file = newFile();
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', writer, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = -1;
    const ended = new Promise((resolve) => child.once('close', resolve));
    for await (const line of createInterface(child.stdout)) {
      acknowledged = Number(line);
      if (acknowledged === 200) child.kill('SIGKILL');
    }
    await ended;
    assert.ok(acknowledged >= 200);

    const tree = new EmbeddedTree(file, systemClock);
    const session = new PromisedSession(tree.connect());
    const names = new Set(await session.children('/'));
    for (let n = 0; n <= acknowledged; n++) assert.ok(names.has(`n${n}a`) && names.has(`n${n}b`), `n${n}`);
    for (const name of names) {
      const half = name.endsWith('a') ? 'b' : 'a';
      assert.ok(names.has(name.slice(0, -1) + half), `${name} is there alone`);
    }
    assert.ok(!names.has('owned'));
    tree.close();
  });
});
