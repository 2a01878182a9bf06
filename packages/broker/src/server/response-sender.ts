import type { Socket } from 'node:net';
import type { Chunk, ExternalRecords } from '@odradek/protocol/primitives/writer.ts';
import type { BufferPool } from './buffer-pool.ts';
import { descriptorOf } from './socket-descriptor.ts';

/** Records that lie in a file. The sender reads them piece by piece and then lets go of the file. */
export interface ReadableRecords extends ExternalRecords {
  /**
   * Reads `length` bytes from `start` (counted from the first record) into `target`, on the loop, when that need not wait
   * for the disk: all of them or nothing.
   */
  readAtOnce(target: Buffer, targetStart: number, length: number, start: number): boolean;
  /** Sends up to `length` bytes from `start` on, as far as nothing has to be waited for. @returns bytes sent */
  sendAtOnce(socket: number, length: number, start: number): number;
  /** Reads off the loop; `done` is called once, later. */
  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    start: number,
    done: (error: Error | null, bytesRead: number) => void,
  ): void;
  /** The last of the records was read off the loop: what comes behind them is likely to be wanted next. */
  readAhead(): void;
  release(): void;
}

/** Bytes handed to the socket and not yet taken by the system; beyond it reading from files stops. */
const UNSENT_BYTES_MAX = 1024 * 1024;

/** From here on it is worth a system call of its own not to copy. */
const SENT_DIRECTLY_BYTES_MIN = 64 * 1024;

/** Pieces of a file up to this size are read into a small buffer of their own, not into a pooled one. */
const SMALL_READ_BYTES = 16 * 1024;

/**
 * Sends answers in order. Records are read from their files only as fast as the peer takes them, so a slow
 * reader costs at most UNSENT_BYTES_MAX and one pooled buffer, however large its answer is.
 *
 * What the page cache has goes from there to a plain connection as it is, where the system offers that and as long as
 * the socket has room; when it has none, the next piece is written in the usual way, which tells when there is room again.
 * For what may have to come from the disk the thread pool is asked, one piece at a time; what comes behind it waits, and
 * the pieces before are on their way meanwhile.
 */
export class ResponseSender {
  private readonly socket: Socket;
  private readonly pool: BufferPool;
  private readonly onStorageError: (error: unknown) => void;
  private queue: Chunk[] = [];
  /** Bytes of the first chunk, external records, that were sent already. */
  private sentOfFirst = 0;
  /** Some of the first chunk had to be read off the loop. */
  private wasCold = false;
  /** A piece of the first chunk is being read off the loop. */
  private isReading = false;
  /** How often all was dropped, which a piece that is being read must not survive. */
  private discards = 0;
  private onIdle: (() => void) | null = null;

  constructor(socket: Socket, pool: BufferPool, onStorageError: (error: unknown) => void) {
    this.socket = socket;
    this.pool = pool;
    this.onStorageError = onStorageError;
    socket.on('drain', () => this.pump());
  }

  get isIdle(): boolean {
    return this.queue.length === 0;
  }

  send(chunks: readonly Chunk[]): void {
    if (this.queue.length === 0) this.queue = [...chunks];
    else this.queue.push(...chunks);
    this.pump();
  }

  /** Calls back once everything queued was handed to the socket: at once when nothing is queued. */
  whenIdle(callback: () => void): void {
    if (this.isIdle) callback();
    else this.onIdle = callback;
  }

  /** Drops what is queued and lets go of its files. */
  discard(): void {
    for (const chunk of this.queue) {
      if (!Buffer.isBuffer(chunk)) (chunk as ReadableRecords).release();
    }
    this.queue = [];
    this.sentOfFirst = 0;
    this.wasCold = false;
    this.onIdle = null;
    this.discards++;
  }

  private pump(): void {
    if (this.queue.length === 0 || this.isReading) return;
    this.socket.cork();
    let sent = 0;
    while (sent < this.queue.length && !this.isReading && this.socket.writableLength < UNSENT_BYTES_MAX) {
      if (this.sendPart(this.queue[sent]!)) sent++;
    }
    this.queue = sent === this.queue.length ? [] : this.queue.slice(sent);
    this.socket.uncork();
    if (this.queue.length === 0) this.becomeIdle();
  }

  private becomeIdle(): void {
    const callback = this.onIdle;
    this.onIdle = null;
    callback?.();
  }

  /** @returns whether the chunk is used up */
  private sendPart(chunk: Chunk): boolean {
    if (Buffer.isBuffer(chunk)) {
      this.socket.write(chunk);
      return true;
    }
    return this.sendRecords(chunk as ReadableRecords);
  }

  /** The size is promised already, so the only honest way out of an error is to cut the connection. */
  private sendRecords(records: ReadableRecords): boolean {
    try {
      if (this.sendDirectly(records)) return true;
      const start = this.sentOfFirst;
      const length = Math.min(records.sizeBytes - start, this.pool.bufferSizeBytes);
      const piece = this.takeBuffer(length);
      try {
        if (records.readAtOnce(piece.buffer, 0, length, start)) {
          return this.sendPiece(records, start, length, piece);
        }
        this.sendLater(records, start, length, piece);
      } catch (error) {
        piece.giveBack?.();
        throw error;
      }
      return false;
    } catch (error) {
      this.fail(error);
      return true;
    }
  }

  /** @returns whether the system took all that was left of the records */
  private sendDirectly(records: ReadableRecords): boolean {
    const start = this.sentOfFirst;
    const length = records.sizeBytes - start;
    if (length < SENT_DIRECTLY_BYTES_MIN) return false;
    this.uncorked(() => {});
    if (this.socket.writableLength > 0) return false;
    const descriptor = descriptorOf(this.socket);
    if (descriptor === null) return false;
    return this.sent(records, start + records.sendAtOnce(descriptor, length, start));
  }

  private fail(error: unknown): void {
    this.onStorageError(error);
    this.discard();
  }

  private sendLater(records: ReadableRecords, start: number, length: number, piece: Piece): void {
    const { discards } = this;
    records.readLater(piece.buffer, 0, length, start, (error, bytesRead) => {
      this.isReading = false;
      if (this.discards !== discards) return piece.giveBack?.();
      try {
        if (error !== null) throw error;
        ensureWhole(bytesRead, length);
      } catch (failure) {
        piece.giveBack?.();
        return this.fail(failure);
      }
      this.sentLater(records, start, length, piece);
    });
    this.isReading = true;
    this.wasCold = true;
  }

  private sentLater(records: ReadableRecords, start: number, length: number, piece: Piece): void {
    if (this.sendPiece(records, start, length, piece)) this.queue = this.queue.slice(1);
    if (this.queue.length === 0) this.becomeIdle();
    else this.pump();
  }

  private takeBuffer(length: number): Piece {
    if (length <= SMALL_READ_BYTES) return { buffer: Buffer.allocUnsafe(length), giveBack: null };
    const buffer = this.pool.take();
    let isOut = true;
    const giveBack = (): void => {
      if (isOut) this.pool.giveBack(buffer);
      isOut = false;
    };
    return { buffer, giveBack };
  }

  /**
   * Does not wait for what comes next: when the system has taken all there is, the buffer is free for the next piece, and
   * the processor's caches still hold it.
   */
  private handOver(bytes: Buffer, giveBack: () => void): void {
    this.uncorked(() => this.socket.write(bytes, giveBack));
    if (this.socket.writableLength === 0) giveBack();
  }

  /** What was written before and in `write` goes to the system now, although others are to be gathered. */
  private uncorked(write: () => void): void {
    const { socket } = this;
    const corks = socket.writableCorked;
    write();
    for (let i = 0; i < corks; i++) socket.uncork();
    for (let i = 0; i < corks; i++) socket.cork();
  }

  /** @returns whether it was the last one of the records, which are let go of then */
  private sendPiece(records: ReadableRecords, start: number, length: number, piece: Piece): boolean {
    if (piece.giveBack === null) this.socket.write(piece.buffer);
    else this.handOver(piece.buffer.subarray(0, length), piece.giveBack);
    return this.sent(records, start + length);
  }

  /** Of the records, all before `end` is with the socket. @returns whether these are all; they are let go of then */
  private sent(records: ReadableRecords, end: number): boolean {
    this.sentOfFirst = end;
    if (end < records.sizeBytes) return false;
    if (this.wasCold) records.readAhead();
    this.sentOfFirst = 0;
    this.wasCold = false;
    records.release();
    return true;
  }
}

/** A piece of records on its way to the socket, and how its buffer goes back to the pool if it is of one: once. */
interface Piece {
  readonly buffer: Buffer;
  readonly giveBack: (() => void) | null;
}

function ensureWhole(count: number, length: number): void {
  if (count !== length) throw new Error(`the log ended after ${count} of ${length} bytes that were promised`);
}
