import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { compressSync as snappyRaw } from 'snappy';
import { compressFrameSync } from 'lz4-napi';
import { compress } from '../../src/compression/compress.ts';
import { decompress } from '../../src/compression/decompress.ts';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';

const CODECS = [
  [0, 'none'],
  [1, 'gzip'],
  [2, 'snappy'],
  [3, 'lz4'],
  [4, 'zstd'],
] as const;
const COMPRESSING = CODECS.slice(1);

/** Bytes as they occur: random, runs, and text with repetitions, up to several blocks. */
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 5000 }))
    .map(([pattern, times]) => Buffer.alloc(pattern.length * times, Buffer.from(pattern))),
  fc
    .array(
      fc
        .tuple(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 300 }))
        .map(([bytes, run]) => Buffer.concat([bytes, Buffer.alloc(run, 7)])),
      { maxLength: 60 },
    )
    .map((pieces) => Buffer.concat(pieces)),
);

for (const [type, name] of CODECS) {
  test(`${name}: what is compressed comes back`, () => {
    fc.assert(
      fc.property(payload, (bytes) => {
        assert.deepEqual(decompress(type, compress(type, bytes), bytes.length), bytes);
      }),
      { numRuns: 150 },
    );
  });
}

for (const [type, name] of COMPRESSING) {
  test(`${name}: sizes around the block size come back`, () => {
    for (const size of [
      0, 1, 4, 5, 11, 12, 13, 20, 32767, 32768, 32769, 65535, 65536, 65537, 131073, 700000,
    ]) {
      const bytes = Buffer.alloc(size);
      for (let i = 0; i < size; i++) bytes[i] = (i * i) >>> (i % 13);
      assert.deepEqual(decompress(type, compress(type, bytes), size), bytes, `size ${size}`);
    }
  });

  test(`${name}: one byte more than allowed is refused`, () => {
    const packed = compress(type, Buffer.alloc(100_000, 'x'));
    assert.throws(() => decompress(type, packed, 99_999), MalformedBytesError);
    assert.equal(decompress(type, packed, 100_000).length, 100_000);
  });

  test(`${name}: damaged and cut bytes give MalformedBytesError or other bytes within the bound`, () => {
    fc.assert(
      fc.property(payload, fc.nat(), fc.nat({ max: 255 }), fc.nat(), (bytes, where, what, cut) => {
        const packed = Buffer.from(compress(type, bytes));
        if (packed.length === 0) return;
        packed[where % packed.length] = what;
        for (const input of [packed, packed.subarray(0, cut % packed.length)]) {
          try {
            assert.ok(decompress(type, input, 4096).length <= 4096);
          } catch (error) {
            assert.ok(error instanceof MalformedBytesError, String(error));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
}

test('a type that does not exist is refused both ways', () => {
  assert.throws(() => compress(5, Buffer.alloc(1)), RangeError);
  assert.throws(() => decompress(7, Buffer.alloc(1), 10), MalformedBytesError);
});

suite('zip bombs', () => {
  const LIMIT = 1024 * 1024;
  const bombs: [string, number, Buffer][] = [
    ['gzip', 1, gzipSync(Buffer.alloc(64 * LIMIT))],
    ['zstd', 4, zstdCompressSync(Buffer.alloc(64 * LIMIT))],
    ['snappy, honest', 2, snappyRaw(Buffer.alloc(64 * LIMIT))],
    ['snappy, length of 4 GB', 2, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0])],
    ['lz4', 3, compressFrameSync(Buffer.alloc(64 * LIMIT))],
  ];
  for (const [name, type, bomb] of bombs) {
    test(`${name} is refused at the bound`, () => {
      const before = process.memoryUsage().arrayBuffers;
      assert.throws(() => decompress(type, bomb, LIMIT), MalformedBytesError);
      assert.ok(process.memoryUsage().arrayBuffers - before < 8 * LIMIT);
    });
  }
});

for (const [type, name] of COMPRESSING) {
  test(`${name}: streams one after another are all read, within the bound`, () => {
    const texts = ['some records', '', 'x'].map((text) => Buffer.from(text));
    const streams = Buffer.concat(texts.map((text) => compress(type, text)));
    assert.equal(decompress(type, streams, 13).toString(), 'some recordsx');
    assert.throws(() => decompress(type, streams, 12), MalformedBytesError);
  });
}

test('zstd: skippable frames are skipped', () => {
  const skippable = Buffer.from('5a2a4d1803000000aabbcc', 'hex');
  const frame = compress(4, Buffer.from('records'));
  for (const input of [
    [skippable, frame],
    [frame, skippable],
    [frame, skippable, frame],
  ]) {
    const expected = 'records'.repeat(input.filter((piece) => piece === frame).length);
    assert.equal(decompress(4, Buffer.concat(input), 100).toString(), expected);
  }
  assert.throws(() => decompress(4, skippable.subarray(0, 9), 100), MalformedBytesError);
});

suite('lz4 frames', () => {
  const text = Buffer.from('odradek '.repeat(30_000));

  test('pitfall 183: version 1, independent 64 KB blocks, no checksums, no content size', () => {
    const frame = compress(3, text);
    assert.equal(frame.readUInt32LE(0), 0x184d2204);
    assert.equal(frame[4], 0x60);
    assert.equal(frame[5], 0x40);
    assert.equal(frame[6], 0x82);
    assert.equal(frame.readUInt32LE(frame.length - 4), 0);
  });

  test('pitfall 182: format v0 gets the wrong header checksum on purpose, and any is accepted', () => {
    const legacy = compress(3, text, { legacyLz4: true });
    assert.notEqual(legacy[6], 0x82);
    assert.deepEqual(decompress(3, legacy, text.length, { legacyLz4: true }), text);
    assert.deepEqual(decompress(3, compress(3, text), text.length, { legacyLz4: true }), text);
    assert.throws(() => decompress(3, legacy, text.length), /checksum/);
  });

  test('pitfall 183: dependent blocks are refused, block size codes 4 to 7 are read', () => {
    for (const code of [4, 5, 6, 7]) {
      const frame = Buffer.from(compress(3, text, { legacyLz4: true }));
      frame[5] = code << 4;
      assert.deepEqual(decompress(3, frame, text.length, { legacyLz4: true }), text);
      frame[4] = 0x40;
      assert.throws(() => decompress(3, frame, text.length, { legacyLz4: true }), /dependent/);
    }
  });

  test('frames of another writer, with content size and checksums, are read', () => {
    for (const options of [{}, { contentChecksum: true }, { blockChecksums: true }]) {
      assert.deepEqual(decompress(3, compressFrameSync(text, options), text.length), text);
    }
  });

  test('a wrong block checksum is noticed', () => {
    const frame = Buffer.from(compressFrameSync(text, { blockChecksums: true }));
    frame[frame.length - 5] = frame[frame.length - 5]! ^ 1;
    assert.throws(() => decompress(3, frame, text.length), /block with a wrong checksum/);
  });
});

suite('snappy', () => {
  const text = Buffer.from('kafka on the shore '.repeat(9_000));

  test('pitfall 184: the xerial header has big-endian ones and blocks with a 32-bit size', () => {
    const framed = compress(2, text);
    assert.equal(framed.subarray(0, 16).toString('hex'), '82534e41505059000000000100000001');
    assert.ok(16 + 4 + framed.readInt32BE(16) < framed.length);
  });

  test('pitfall 184: a raw block is read too, and the version numbers are not looked at', () => {
    assert.deepEqual(decompress(2, snappyRaw(text), text.length), text);
    const framed = Buffer.from(compress(2, text));
    framed.writeInt32LE(1, 8);
    framed.writeInt32LE(1, 12);
    assert.deepEqual(decompress(2, framed, text.length), text);
  });
});
