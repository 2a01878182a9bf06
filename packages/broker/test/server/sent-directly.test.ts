import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadNativePageCache, type NativePageCache } from '@odradek/broker/adapters/native-page-cache.ts';
import { NodeDisk } from '@odradek/broker/adapters/node-disk.ts';
import { systemClock } from '@odradek/broker/adapters/system-clock.ts';
import { BufferPool } from '@odradek/broker/server/buffer-pool.ts';
import { ResponseSender } from '@odradek/broker/server/response-sender.ts';
import { LogSlice } from '@odradek/core/log/log-slice.ts';
import { OpenFiles } from '@odradek/core/log/open-files.ts';

const SIZE = 24 * 1024 * 1024;
const POOLED_BYTES = 256 * 1024;

/** Both ends of a connection. */
async function connection(t: TestContext): Promise<{ server: Socket; client: Socket }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  t.after(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  return { server, client };
}

function slices(t: TestContext, pageCache: NativePageCache | null, contents: Buffer) {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-test-sent-'));
  const reading = {
    pageCacheBytes: 4 * SIZE,
    later: { concurrencyMax: 2, aheadBytesMax: 0 },
    clock: systemClock,
  };
  const file = new OpenFiles(new NodeDisk(pageCache), 16, reading).file(join(folder, 'log'));
  file.create().append([contents]);
  t.after(() => {
    file.remove();
    rmSync(folder, { recursive: true });
  });
  return (from: number, to: number) => new LogSlice(file, from, to - from);
}

/** Reads in fits and starts: the socket of the other side is full again and again. */
async function received(client: Socket, sizeBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let count = 0;
  for await (const chunk of client) {
    chunks.push(chunk as Buffer);
    count += (chunk as Buffer).length;
    if (count >= sizeBytes) break;
  }
  return Buffer.concat(chunks);
}

function counted(pageCache: NativePageCache) {
  const sent: number[] = [];
  const counting: NativePageCache = {
    readCached: (...given) => pageCache.readCached(...given),
    sendCached: (...given) => {
      const count = pageCache.sendCached(...given);
      sent.push(count);
      return count;
    },
  };
  return { counting, sent };
}

const native = loadNativePageCache();
const counts = native === null ? null : counted(native);

for (const [how, pageCache] of [
  ['from the page cache', counts?.counting ?? null],
  ['through buffers', null],
] as const) {
  test(`records that go out ${how} arrive whole and in their place, however slowly they are taken`, async (t) => {
    const { server, client } = await connection(t);
    const contents = randomBytes(SIZE);
    const slice = slices(t, pageCache, contents);
    const sender = new ResponseSender(server, new BufferPool(POOLED_BYTES, 4), (error) => {
      throw error;
    });
    const third = Math.floor(SIZE / 3);
    sender.send([Buffer.from('head'), slice(0, third), Buffer.from('between'), slice(third + 1, SIZE)]);
    sender.send([Buffer.from('next'), slice(5, 100)]);
    const expected = Buffer.concat([
      Buffer.from('head'),
      contents.subarray(0, third),
      Buffer.from('between'),
      contents.subarray(third + 1),
      Buffer.from('next'),
      contents.subarray(5, 100),
    ]);
    assert.ok((await received(client, expected.length)).equals(expected));
    if (pageCache === null) return;
    assert.ok(
      counts!.sent.some((count) => count > 0),
      'some of it was not copied',
    );
    assert.ok(
      counts!.sent.some((count) => count < third),
      'the socket was full',
    );
  });
}

test('a reader that goes away in the middle is an error of its connection only', async (t) => {
  const { server, client } = await connection(t);
  const slice = slices(t, native, randomBytes(SIZE))(0, SIZE);
  const sender = new ResponseSender(server, new BufferPool(POOLED_BYTES, 4), (error) => {
    throw error;
  });
  server.on('error', () => {});
  const closed = new Promise((resolve) => server.once('close', resolve));
  sender.send([slice]);
  await once(client, 'data');
  client.destroy();
  await closed;
  sender.send([slice]);
  sender.discard();
});
