import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c, crc32cByTables } from '@odradek/protocol/primitives/crc32c.ts';
import {
  loadNativeCrc32c,
  nativeImplementations,
  type Crc32c,
} from '@odradek/protocol/primitives/native-crc32c.ts';

const [own, nodeRs] = nativeImplementations.map((implementation) => implementation());

/** Each way of computing it that this machine has. */
const ways = new Map<string, Crc32c>([
  ['tables', crc32cByTables],
  ['whatever is best', crc32c],
]);
if (own) ways.set('the processor, by our own module', own);
if (nodeRs) ways.set('the processor, by @node-rs/crc32', nodeRs);

/** Bytes without a pattern. */
function bytesOf(size: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: size }, () => (state = (state * 48271) % 0x7fffffff) >>> 8);
}

for (const [name, way] of ways) {
  test(`CRC-32C by ${name}: the examples of RFC 3720`, () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
    assert.equal(way(new Uint8Array(32), 0, 32), 0x8a9136aa);
    assert.equal(way(new Uint8Array(32).fill(0xff), 0, 32), 0x62a8ab43);
    assert.equal(way(ascending, 0, 32), 0x46dd794e);
    assert.equal(way(ascending.toReversed(), 0, 32), 0x113fdb5c);
  });

  test(`CRC-32C by ${name}: any stretch, as bit by bit`, () => {
    const bytes = bytesOf(20_000);
    const small = Array.from({ length: 160 }, (_, size) => size);
    const large = [1359, 1360, 4079, 4080, 4081, 4088, 8159, 8160, 8167, 12_240, 19_000];
    for (const size of [...small, ...large]) {
      for (const start of [0, 1, 7, 13]) {
        assert.equal(
          way(bytes, start, start + size),
          bitByBit(bytes, start, start + size),
          `${size} bytes from ${start} on`,
        );
      }
    }
  });
}

function bitByBit(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let at = start; at < end; at++) {
    crc ^= bytes[at]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

test('the one used is the fastest that is there', () => {
  const bytes = bytesOf(5000);
  assert.equal(loadNativeCrc32c()?.(bytes, 3, 4999), bitByBit(bytes, 3, 4999));
  if (own !== null) assert.equal(loadNativeCrc32c(), own);
});

test('our own module is there where continuous integration builds it', () => {
  const isExpected = process.env['CI'] === 'true' && process.platform === 'linux' && process.arch === 'x64';
  assert.ok(own !== null || !isExpected, 'npm run build:native -- --required says why it is not');
});

test('our own module reads nothing beyond the bytes that it is given', () => {
  if (own === null || own === undefined) return;
  const bytes = bytesOf(100);
  for (const [start, end] of [
    [-1, 10],
    [0, 101],
    [11, 10],
    [2 ** 40, 2 ** 40 + 1],
  ] as const) {
    assert.throws(() => own(bytes, start, end), RangeError, `from ${start} to ${end}`);
  }
  assert.throws(() => own('text' as never, 0, 1), TypeError);
  assert.throws(() => own(new Float64Array(4) as never, 0, 1), TypeError);
});
