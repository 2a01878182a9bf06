import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameError, FrameSplitter } from '../../src/network/frame-splitter.ts';

function framed(bodies: readonly Buffer[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(body.length);
      return [length, body];
    }),
  );
}

function split(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const frames: Buffer[] = [];
  const splitter = new FrameSplitter(1_000, (frame) => frames.push(Buffer.from(frame)));
  let at = 0;
  for (const cut of [...cuts].map((c) => Math.min(c, stream.length)).toSorted((a, b) => a - b)) {
    splitter.push(stream.subarray(at, cut));
    at = cut;
  }
  splitter.push(stream.subarray(at));
  return frames;
}

test('client pitfall A27: frames come out the same wherever the stream is cut or glued', () => {
  const body = fc.uint8Array({ minLength: 4, maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(
      fc.array(body, { maxLength: 8 }),
      fc.array(fc.nat(300), { maxLength: 12 }),
      (bodies, cuts) => {
        assert.deepEqual(split(framed(bodies), cuts), bodies);
      },
    ),
  );
});

test('a stream byte by byte gives the same frames', () => {
  const bodies = [Buffer.from('first'), Buffer.from('the second'), Buffer.alloc(1_000, 7)];
  const stream = framed(bodies);
  assert.deepEqual(
    split(
      stream,
      Array.from(stream, (_, at) => at),
    ),
    bodies,
  );
});

for (const [what, size] of [
  ['negative', -1],
  ['too small for a correlation id', 3],
  ['above the limit', 1_001],
] as const) {
  test(`a length that is ${what} is refused before anything is allocated`, () => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(size);
    const splitter = new FrameSplitter(1_000, () => assert.fail('no frame'));
    assert.throws(() => splitter.push(length), FrameError);
  });
}

test('the rest of a large frame is received where it belongs, and frames keep no memory of chunks', () => {
  const frames: Buffer[] = [];
  const splitter = new FrameSplitter(1_000_000, (frame) => frames.push(frame));
  const body = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
  const chunk = Buffer.concat([framed([Buffer.from('small')]), framed([body]).subarray(0, 50_000)]);
  const { room: early } = splitter;
  assert.equal(early, null);
  splitter.push(chunk);
  chunk.fill(0);
  for (let at = 49_996; at < body.length;) {
    const { room } = splitter;
    if (room === null) {
      assert.ok(body.length - at < 16 * 1024, 'a rest that is not worth a read of its own');
      splitter.push(body.subarray(at));
      break;
    }
    const count = body.copy(room, 0, at, at + 30_000);
    splitter.push(room.subarray(0, count));
    at += count;
  }
  assert.deepEqual(frames, [Buffer.from('small'), body]);
});
