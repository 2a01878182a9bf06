import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { compressSync as snappyRaw } from 'snappy';
import { compressLater, decompressLater } from '../../src/compression/codecs-later.ts';
import { compress } from '../../src/compression/compress.ts';
import { decompress } from '../../src/compression/decompress.ts';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';

const CODECS = [
  [1, 'gzip'],
  [2, 'snappy'],
  [3, 'lz4'],
  [4, 'zstd'],
] as const;

interface Outcome {
  readonly error: Error | null;
  readonly output: Buffer;
}

/** What comes of it; and that nothing comes before the call has returned. */
function outcomeOf(call: (done: (error: Error | null, output: Buffer) => void) => void): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let hasReturned = false;
    call((error, output) => {
      if (hasReturned) resolve({ error, output });
      else reject(new Error('it called back at once'));
    });
    hasReturned = true;
  });
}

function payload(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * i) >>> (i % 13);
  return bytes;
}

for (const [type, name] of CODECS) {
  test(`${name}: what is compressed comes back, and what was compressed at once does`, async () => {
    for (const size of [0, 1, 32_769, 65_537, 700_000]) {
      const bytes = payload(size);
      const packed = await outcomeOf((done) => compressLater(type, bytes, done));
      assert.equal(packed.error, null);
      assert.deepEqual(decompress(type, packed.output, size), bytes, `size ${size}`);
      for (const input of [packed.output, compress(type, bytes)]) {
        const unpacked = await outcomeOf((done) => decompressLater(type, input, size, done));
        assert.deepEqual(unpacked, { error: null, output: bytes }, `size ${size}`);
      }
    }
  });

  test(`${name}: what is damaged, or decodes to too much, is told as by the call that waits`, async () => {
    const packed = compress(type, payload(100_000));
    for (const [input, sizeMaxBytes] of [
      [packed, 99_999],
      [packed.subarray(0, packed.length - 5), 100_000],
      [Buffer.from('no such thing at all'), 100_000],
    ] as const) {
      assert.throws(() => decompress(type, input, sizeMaxBytes), MalformedBytesError);
      const { error } = await outcomeOf((done) => decompressLater(type, input, sizeMaxBytes, done));
      assert.ok(error instanceof MalformedBytesError, `${error}`);
    }
  });
}

test('zstd: several frames, bounded together', async () => {
  const frames = [payload(1000), Buffer.alloc(0), payload(50)];
  const packed = Buffer.concat(frames.map((frame) => zstdCompressSync(frame)));
  const whole = await outcomeOf((done) => decompressLater(4, packed, 1050, done));
  assert.deepEqual(whole, { error: null, output: Buffer.concat(frames) });
  const { error } = await outcomeOf((done) => decompressLater(4, packed, 1049, done));
  assert.ok(error instanceof MalformedBytesError);
});

test('snappy: a block that is not framed', async () => {
  const bytes = payload(100_000);
  const packed = snappyRaw(bytes);
  const { output } = await outcomeOf((done) => decompressLater(2, packed, bytes.length, done));
  assert.deepEqual(output, bytes);
});

test('a type that there is not is refused', async () => {
  const { error } = await outcomeOf((done) => decompressLater(9, payload(5), 100, done));
  assert.ok(error instanceof MalformedBytesError);
});

test('other things are done between the blocks of a large one', async () => {
  for (const type of [2, 3]) {
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const size = 4_000_000;
    const packed = await outcomeOf((done) => compressLater(type, Buffer.alloc(size, 'abc'), done));
    await outcomeOf((done) => decompressLater(type, packed.output, size, done));
    isDone = true;
    // 61 blocks of 64 KB, or 123 of 32 KB, both ways.
    assert.ok(turns >= 30, `${turns} turns`);
  }
});
