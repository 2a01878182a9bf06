import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { BufferPool } from '@odradek/broker/server/buffer-pool.ts';
import { ResponseSender, type ReadableRecords } from '@odradek/broker/server/response-sender.ts';

const POOLED_BYTES = 20_000;

/** Takes everything, and has handed nothing over until it is drained. */
class FakeSocket extends EventEmitter {
  readonly written: Buffer[] = [];
  writableLength = 0;
  private readonly taken: (() => void)[] = [];

  cork(): void {}
  uncork(): void {}

  write(bytes: Buffer, taken?: () => void): boolean {
    this.written.push(Buffer.from(bytes));
    this.writableLength += bytes.length;
    if (taken !== undefined) this.taken.push(taken);
    return true;
  }

  drain(): void {
    this.writableLength = 0;
    for (const taken of this.taken.splice(0)) taken();
    this.emit('drain');
  }

  get sent(): string {
    return Buffer.concat(this.written).toString();
  }
}

/** Records of one letter; those that are not fresh come when the test says so. */
class FakeRecords implements ReadableRecords {
  readonly external = true;
  readonly sizeBytes: number;
  released = 0;
  readAheads = 0;
  readsNow = 0;
  endOfFile = Infinity;
  readonly letter: string;
  private readonly fresh: boolean;
  private waiting: (() => void) | null = null;

  constructor(letter: string, sizeBytes: number, fresh: boolean) {
    this.letter = letter;
    this.sizeBytes = sizeBytes;
    this.fresh = fresh;
  }

  readAtOnce(target: Buffer, targetStart: number, length: number, start: number): boolean {
    if (!this.fresh) return false;
    this.readsNow++;
    return this.fill(target, targetStart, length, start) === length;
  }

  sendAtOnce(): number {
    throw new Error('there is no descriptor that it could have been given');
  }

  private fill(target: Buffer, targetStart: number, length: number, start: number): number {
    target.fill(this.letter, targetStart, targetStart + length);
    return Math.max(0, Math.min(length, this.endOfFile - start));
  }

  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    start: number,
    done: (error: Error | null, bytesRead: number) => void,
  ): void {
    assert.equal(this.waiting, null, 'one piece at a time');
    this.waiting = () => done(null, this.fill(target, targetStart, length, start));
  }

  get isAsked(): boolean {
    return this.waiting !== null;
  }

  arrive(): void {
    const arrive = this.waiting!;
    this.waiting = null;
    arrive();
  }

  readAhead(): void {
    this.readAheads++;
  }

  release(): void {
    this.released++;
  }
}

function senderOn(socket: FakeSocket) {
  const pool = new BufferPool(POOLED_BYTES, 10);
  const errors: unknown[] = [];
  const sender = new ResponseSender(socket as unknown as Socket, pool, (error) => errors.push(error));
  return { sender, errors, pool };
}

test('what comes from the disk is sent in its place, however late it comes', () => {
  const socket = new FakeSocket();
  const { sender } = senderOn(socket);
  const cold = new FakeRecords('c', 2 * POOLED_BYTES + 5, false);
  const fresh = new FakeRecords('f', 10, true);
  let idle = 0;
  sender.send([Buffer.from('<'), cold, Buffer.from('|'), fresh, Buffer.from('>')]);
  sender.whenIdle(() => idle++);
  assert.equal(socket.sent, '<');
  for (const expected of [POOLED_BYTES, 2 * POOLED_BYTES]) {
    cold.arrive();
    assert.equal(socket.sent, `<${'c'.repeat(expected)}`);
  }
  assert.deepEqual([cold.readAheads, cold.released, idle], [0, 0, 0]);
  cold.arrive();
  assert.equal(socket.sent, `<${'c'.repeat(cold.sizeBytes)}|ffffffffff>`);
  assert.deepEqual([cold.readAheads, cold.released, fresh.released, idle], [1, 1, 1, 1]);
  assert.deepEqual([cold.readsNow, fresh.readsNow, fresh.readAheads], [0, 1, 0]);
});

test('a peer that takes nothing has no more read for it, on the loop or off', () => {
  for (const isFresh of [true, false]) {
    const socket = new FakeSocket();
    const { sender } = senderOn(socket);
    const records = new FakeRecords('r', 5_000_000, isFresh);
    sender.send([records]);
    while (records.isAsked) records.arrive();
    const unsent = socket.writableLength;
    assert.ok(unsent >= 1024 * 1024 && unsent <= 1024 * 1024 + POOLED_BYTES, `${unsent}`);
    while (!sender.isIdle) {
      socket.drain();
      while (records.isAsked) records.arrive();
    }
    assert.equal(socket.sent.length, records.sizeBytes);
    assert.equal(records.released, 1);
  }
});

test('answers behind one another keep their order while the first comes from the disk', () => {
  const socket = new FakeSocket();
  const { sender } = senderOn(socket);
  const cold = new FakeRecords('c', 3, false);
  sender.send([cold]);
  sender.send([Buffer.from('next')]);
  assert.equal(socket.sent, '');
  cold.arrive();
  assert.equal(socket.sent, 'cccnext');
});

test('a log that ended before what was promised cuts the connection and lets go of all files', () => {
  for (const isFresh of [true, false]) {
    const socket = new FakeSocket();
    const { sender, errors } = senderOn(socket);
    const short = new FakeRecords('s', 30, isFresh);
    short.endOfFile = 10;
    const behind = new FakeRecords('b', 30, true);
    sender.send([short, behind]);
    short.arrive();
    assert.match(String(errors), /the log ended after 10 of 30 bytes/);
    assert.deepEqual([short.released > 0, behind.released > 0, socket.sent], [true, true, '']);
  }
});

test('what arrives after the connection is gone goes back to the pool, and nowhere else', () => {
  const socket = new FakeSocket();
  const { sender, pool } = senderOn(socket);
  const cold = new FakeRecords('c', POOLED_BYTES, false);
  sender.send([cold]);
  sender.discard();
  assert.equal(cold.released, 1);
  cold.arrive();
  assert.equal(socket.sent, '');
  assert.equal(cold.released, 1);
  assert.equal(pool.idleCount, 1);
});

/** A corked stream that takes bytes at once, or later: what they are counts when it takes them. */
class SlowStream extends Writable {
  taken = '';
  private readonly takesAtOnce: (call: number) => boolean;
  private calls = 0;

  constructor(takesAtOnce: (call: number) => boolean) {
    super();
    this.takesAtOnce = takesAtOnce;
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    const take = (): void => {
      this.taken += bytes.toString();
      done();
    };
    if (this.takesAtOnce(this.calls++)) take();
    else setImmediate(take);
  }
}

test('the buffer of what the system took is used for the next piece, and of what waits it is not', async () => {
  const modes: [string, (call: number) => boolean, number][] = [
    ['takes all at once', () => true, 1],
    ['takes nothing at once', () => false, 8],
    ['takes every third at once', (call) => call % 3 === 0, 8],
  ];
  for (const [name, takesAtOnce, buffersMax] of modes) {
    const stream = new SlowStream(takesAtOnce);
    const { sender, pool } = senderOn(stream as unknown as FakeSocket);
    const answers = ['a', 'b', 'c', 'd'].map((letter) => new FakeRecords(letter, 2 * POOLED_BYTES, true));
    stream.cork();
    sender.send([Buffer.from('<'), ...answers, Buffer.from('>')]);
    assert.ok(stream.writableCorked > 0, `${name}: corked as before`);
    stream.uncork();
    stream.end();
    await finished(stream);
    assert.equal(stream.taken, `<${answers.map(({ letter }) => letter.repeat(2 * POOLED_BYTES)).join('')}>`);
    assert.ok(pool.idleCount > 0 && pool.idleCount <= buffersMax, `${name}: ${pool.idleCount} buffers`);
  }
});
