import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameSizeError, FrameSplitter } from '@odradek/broker/server/frame-splitter.ts';

function framed(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

function allFrames(splitter: FrameSplitter): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = splitter.next(); frame !== null; frame = splitter.next()) frames.push(Buffer.from(frame));
  return frames;
}

test('frames come out whole however the bytes were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 40 }),
      (bodies, cuts) => {
        const bytes = Buffer.concat(bodies.map(framed));
        const splitter = new FrameSplitter(100);
        const frames: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = cuts[turn % cuts.length]!;
          splitter.push(bytes.subarray(at, at + size));
          at += size;
          frames.push(...allFrames(splitter));
        }
        assert.deepEqual(
          frames.map((frame) => [...frame]),
          bodies.map((body) => [...body]),
        );
        assert.equal(splitter.buffered, 0);
      },
    ),
  );
});

test('a frame that lies in one chunk is not copied', () => {
  const chunk = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.from('two'))]);
  const splitter = new FrameSplitter(100);
  splitter.push(chunk);
  const frame = splitter.next()!;
  chunk[4] = 'X'.charCodeAt(0);
  assert.equal(frame.toString(), 'Xne');
});

test('pitfall 193: a size below 0 or above the limit is refused before any of its bytes came', () => {
  for (const size of [-1, -2147483648, 101, 2147483647]) {
    const splitter = new FrameSplitter(100);
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(size);
    splitter.push(bytes);
    assert.throws(() => splitter.next(), FrameSizeError, `size ${size}`);
  }
});
