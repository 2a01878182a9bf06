import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameBuffers } from '@odradek/broker/server/frame-buffers.ts';
import { FrameSizeError, FrameSplitter } from '@odradek/broker/server/frame-splitter.ts';

const MB = 1024 * 1024;

function splitterFor(sizeMaxBytes: number): FrameSplitter {
  return new FrameSplitter(sizeMaxBytes, new FrameBuffers(4 * MB));
}

function framed(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

/** Copies: a frame is valid until the next call only. */
function framesOf(splitter: FrameSplitter): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = splitter.next(); frame !== null; frame = splitter.next()) frames.push(Buffer.from(frame));
  return frames;
}

/** Receives as a connection does: into one memory that is used again, or into the room of a large frame. */
class Reception {
  readonly splitter: FrameSplitter;
  private readonly memory: Buffer;

  constructor(sizeMaxBytes: number, memoryBytes: number) {
    this.splitter = splitterFor(sizeMaxBytes);
    this.memory = Buffer.alloc(memoryBytes);
  }

  /** @returns how many of the bytes were taken */
  receive(bytes: Buffer, limit: number, drain: () => void): number {
    const room = this.splitter.room();
    const target = room ?? this.memory;
    const count = bytes.copy(target, 0, 0, Math.min(limit, target.length));
    if (room !== null) this.splitter.received(count);
    else this.splitter.push(target.subarray(0, count));
    drain();
    if (room === null) {
      this.splitter.keep();
      this.memory.fill(0xee, 0, count);
    }
    return count;
  }
}

function receiveAll(
  reception: Reception,
  bytes: Buffer,
  cuts: readonly number[],
  busyEvery: number,
): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    // While a request is in work, nothing is taken out.
    const isBusy = busyEvery > 0 && turn % busyEvery === 0;
    at += reception.receive(bytes.subarray(at), cuts[turn % cuts.length]!, () => {
      if (!isBusy) frames.push(...framesOf(reception.splitter));
    });
  }
  frames.push(...framesOf(reception.splitter));
  return frames;
}

test('frames come out whole however the bytes were cut, from memory that is used again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 0, max: 3 }),
      (bodies, cuts, busyEvery) => {
        const reception = new Reception(100, 64);
        const frames = receiveAll(reception, Buffer.concat(bodies.map(framed)), cuts, busyEvery);
        assert.deepEqual(
          frames.map((frame) => [...frame]),
          bodies.map((body) => [...body]),
        );
        assert.equal(reception.splitter.buffered, 0);
      },
    ),
  );
});

test('large frames come out whole, beyond the size that is believed too', () => {
  const body = (length: number, seed: number): Buffer =>
    Buffer.alloc(length, Buffer.from([seed + 1, 2, 3, 4, 5, 6, 7]));
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 * MB }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 10_000, max: 400_000 }), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 0, max: 3 }),
      (lengths, cuts, busyEvery) => {
        const bodies = lengths.map(body);
        const reception = new Reception(3 * MB, 128 * 1024);
        const frames = receiveAll(reception, Buffer.concat(bodies.map(framed)), cuts, busyEvery);
        assert.equal(frames.length, bodies.length);
        for (const [index, frame] of frames.entries())
          assert.ok(frame.equals(bodies[index]!), `frame ${index}`);
      },
    ),
    { numRuns: 15 },
  );
});

test('a frame that lies in one chunk is not copied', () => {
  const chunk = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.from('two'))]);
  const splitter = splitterFor(100);
  splitter.push(chunk);
  const frame = splitter.next()!;
  chunk[4] = 'X'.charCodeAt(0);
  assert.equal(frame.toString(), 'Xne');
});

test('the rest of a large frame has room of its own, that of a small one has not', () => {
  const splitter = splitterFor(MB);
  assert.equal(splitter.room(), null);
  splitter.push(framed(Buffer.alloc(200_000)).subarray(0, 100_004));
  assert.equal(splitter.next(), null);
  assert.equal(splitter.room()?.length, 100_000);
  splitter.received(99_000);
  assert.equal(splitter.room(), null, '1,000 bytes are missing');
  splitter.push(Buffer.alloc(1000));
  assert.equal(splitter.next()?.length, 200_000);
});

test('gathered frames use the same memory one after the other', () => {
  const splitter = splitterFor(MB);
  const bytes = framed(Buffer.alloc(200_000, 1));
  const memories = [1, 2, 3].map(() => {
    splitter.push(bytes.subarray(0, 100_000));
    assert.equal(splitter.next(), null);
    splitter.push(bytes.subarray(100_000));
    return splitter.next()!.buffer;
  });
  assert.equal(new Set(memories).size, 1);
});

test('a lying size is not believed beyond a bound', () => {
  const splitter = splitterFor(100 * MB);
  const bytes = Buffer.alloc(1000);
  bytes.writeInt32BE(100 * MB);
  splitter.push(bytes);
  assert.equal(splitter.next(), null);
  assert.ok(splitter.room()!.buffer.byteLength < 1.5 * MB);
});

test('pitfall 193: a size below 0 or above the limit is refused before any of its bytes came', () => {
  for (const size of [-1, -2147483648, 101, 2147483647]) {
    const splitter = splitterFor(100);
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(size);
    splitter.push(bytes);
    assert.throws(() => splitter.next(), FrameSizeError, `size ${size}`);
  }
});
