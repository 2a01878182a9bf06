import type { Socket } from 'node:net';
import type { Chunk, ExternalRecords } from '@odradek/protocol/primitives/writer.ts';
import type { BufferPool } from './buffer-pool.ts';

/** Records that lie in a file. The sender reads them piece by piece and then lets go of the file. */
export interface ReadableRecords extends ExternalRecords {
  /** Reads `length` bytes from `start` (counted from the first record) into `target`. @returns bytes read */
  read(target: Buffer, targetStart: number, length: number, start: number): number;
  release(): void;
}

/** Bytes handed to the socket and not yet taken by the system; beyond it reading from files stops. */
const UNSENT_BYTES_MAX = 1024 * 1024;

/** Pieces of a file up to this size are read into a small buffer of their own, not into a pooled one. */
const SMALL_READ_BYTES = 16 * 1024;

/**
 * Sends answers in order. Records are read from their files only as fast as the peer takes them, so a slow
 * reader costs at most UNSENT_BYTES_MAX and one pooled buffer, however large its answer is.
 */
export class ResponseSender {
  private readonly socket: Socket;
  private readonly pool: BufferPool;
  private readonly onStorageError: (error: unknown) => void;
  private queue: Chunk[] = [];
  /** Bytes of the first chunk, external records, that were sent already. */
  private sentOfFirst = 0;
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
    this.onIdle = null;
  }

  private pump(): void {
    if (this.queue.length === 0) return;
    this.socket.cork();
    let sent = 0;
    while (sent < this.queue.length && this.socket.writableLength < UNSENT_BYTES_MAX) {
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

  private sendRecords(records: ReadableRecords): boolean {
    const start = this.sentOfFirst;
    const left = records.sizeBytes - start;
    try {
      if (left <= SMALL_READ_BYTES) this.sendSmall(records, start, left);
      else this.sendPooled(records, start, Math.min(left, this.pool.bufferSizeBytes));
    } catch (error) {
      // The size is promised already, so the only honest way out is to cut the connection.
      this.onStorageError(error);
      records.release();
      this.sentOfFirst = 0;
      this.queue = [];
      return true;
    }
    if (this.sentOfFirst < records.sizeBytes) return false;
    this.sentOfFirst = 0;
    records.release();
    return true;
  }

  private sendSmall(records: ReadableRecords, start: number, length: number): void {
    const buffer = Buffer.allocUnsafe(length);
    readWhole(records, buffer, length, start);
    this.socket.write(buffer);
    this.sentOfFirst = start + length;
  }

  private sendPooled(records: ReadableRecords, start: number, length: number): void {
    const buffer = this.pool.take();
    try {
      readWhole(records, buffer, length, start);
    } catch (error) {
      this.pool.giveBack(buffer);
      throw error;
    }
    this.socket.write(buffer.subarray(0, length), () => this.pool.giveBack(buffer));
    this.sentOfFirst = start + length;
  }
}

function readWhole(records: ReadableRecords, target: Buffer, length: number, start: number): void {
  const count = records.read(target, 0, length, start);
  if (count !== length) throw new Error(`the log ended after ${count} of ${length} bytes that were promised`);
}
