import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadNativePageCache } from '@odradek/broker/adapters/native-page-cache.ts';

const native = loadNativePageCache();
const SIZE = 8 * 1024 * 1024;
/** A file system that is the page cache. */
const TMPFS = 0x01021994;

function fileOf(t: TestContext, contents: Buffer) {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-test-page-cache-'));
  const path = join(folder, 'file');
  writeFileSync(path, contents);
  const descriptor = openSync(path, 'r+');
  t.after(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  return { path, descriptor, isTmpfs: statfsSync(folder).type === TMPFS };
}

test('the module is there where continuous integration builds it', () => {
  const isExpected = process.env['CI'] === 'true' && process.platform === 'linux' && process.arch === 'x64';
  assert.ok(native !== null || !isExpected, 'npm run build:native -- --required says why it is not');
});

test('what was written is read at once, up to the end of the file; what the device would have to bring is not', (t) => {
  if (native === null) return;
  const contents = randomBytes(SIZE);
  const { path, descriptor, isTmpfs } = fileOf(t, contents);
  const target = Buffer.alloc(SIZE);
  assert.equal(native.readCached(descriptor, target, 0, SIZE, 0), SIZE);
  assert.ok(target.subarray(0, SIZE).equals(contents));
  assert.equal(native.readCached(descriptor, target, 5, 1000, SIZE - 10), 10);
  assert.ok(target.subarray(5, 15).equals(contents.subarray(SIZE - 10)));
  assert.equal(native.readCached(descriptor, target, 0, 10, SIZE), 0);

  fsyncSync(descriptor);
  execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
  if (!isTmpfs)
    assert.equal(native.sendCached(2 ** 20, descriptor, 0, SIZE), 0, 'the socket is not even looked at');
  const count = native.readCached(descriptor, target, 0, SIZE, 0);
  assert.ok(isTmpfs || count < SIZE, `${count} bytes without the device`);
  assert.ok(target.subarray(0, count).equals(contents.subarray(0, count)));
});

test('what cannot be is refused before the system is asked; what the system refuses is a negative number', (t) => {
  if (native === null) return;
  const { descriptor } = fileOf(t, Buffer.from('abc'));
  const target = Buffer.alloc(10);
  assert.throws(() => native.readCached(descriptor, target, 5, 6, 0), RangeError);
  assert.throws(() => native.readCached(descriptor, target, 11, 0, 0), RangeError);
  assert.throws(() => native.readCached(descriptor, target, -1, 1, 0), TypeError);
  assert.throws(() => native.sendCached(-1, descriptor, 0, 3), TypeError);
  assert.ok(native.readCached(2 ** 20, target, 0, 1, 0) < 0);
  assert.ok(native.sendCached(2 ** 20, descriptor, 0, 3) < 0);
  assert.equal(native.sendCached(2 ** 20, descriptor, 0, 0), 0, 'nothing to send');
});
