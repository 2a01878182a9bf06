import { LOG_OVERHEAD, BATCH_HEADER_SIZE, readBatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { MESSAGE_SIZE_MIN_V0 } from '@odradek/protocol/records/batch-header.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import type { PooledFile } from './open-files.ts';

/**
 * Walks over the batches of a stretch of a segment file by their headers, reading no more of the bodies than
 * comes along. The bodies can be had where they are needed.
 */
export class BatchCursor {
  private readonly file: PooledFile;
  private readonly end: number;
  private readonly chunkSize: number;
  private chunk: Buffer;
  private chunkStart = 0;
  private chunkEnd = 0;
  private nextPosition: number;
  private current: BatchHeader | null = null;
  private currentPosition = 0;

  /**
   * @param start where a batch begins
   * @param end where to stop: a batch that ends beyond is not returned
   * @param chunkSize bytes to read at a time; more are read where one body has more
   */
  constructor(file: PooledFile, start: number, end: number, chunkSize = 4096) {
    this.file = file;
    this.end = end;
    this.nextPosition = start;
    this.chunkSize = Math.max(BATCH_HEADER_SIZE, Math.min(chunkSize, end - start));
    this.chunk = Buffer.allocUnsafe(this.chunkSize);
  }

  /** The header of the current batch; valid until the next call of `next` or `body`. */
  get header(): BatchHeader {
    return this.current!;
  }

  /** Where in the file the current batch begins. */
  get position(): number {
    return this.currentPosition;
  }

  /** Where in the file the next batch would begin: everything before was walked over. */
  get endPosition(): number {
    return this.nextPosition;
  }

  /**
   * Moves to the next batch.
   *
   * @returns false at the end, and where the stretch ends within a batch
   * @throws MalformedBytesError where there are bytes that are no batch
   * @throws DiskError
   */
  next(): boolean {
    const at = this.nextPosition;
    const left = this.end - at;
    if (left < LOG_OVERHEAD || !this.load(at, Math.min(left, BATCH_HEADER_SIZE))) return false;
    const size = this.chunk.readInt32BE(at - this.chunkStart + 8) + LOG_OVERHEAD;
    if (size < MESSAGE_SIZE_MIN_V0) throw this.damaged(`has a batch of ${size} bytes`, at);
    if (size > left) return false;
    this.current = this.headerAt(at);
    this.currentPosition = at;
    this.nextPosition = at + size;
    return true;
  }

  /** All bytes of the current batch; valid until the next call of `next`. @throws DiskError */
  body(): Buffer {
    const size = this.nextPosition - this.currentPosition;
    if (!this.load(this.currentPosition, size)) {
      throw this.damaged('ends within the batch', this.currentPosition);
    }
    const at = this.currentPosition - this.chunkStart;
    this.current = this.headerAt(this.currentPosition);
    return this.chunk.subarray(at, at + size);
  }

  private headerAt(position: number): BatchHeader {
    try {
      return readBatchHeader(this.chunk, position - this.chunkStart);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      throw this.damaged(`has no batch: ${error.message}`, position);
    }
  }

  /** Whoever is told has to know which file it is. */
  private damaged(what: string, position: number): MalformedBytesError {
    return new MalformedBytesError(`${this.file.path} ${what} at position ${position}`);
  }

  /** Has `size` bytes from `position` on in the chunk; false when the file ends before. */
  private load(position: number, size: number): boolean {
    if (position >= this.chunkStart && position + size <= this.chunkEnd) return true;
    if (size > this.chunk.length) this.chunk = Buffer.allocUnsafe(size);
    const wanted = Math.min(Math.max(size, this.chunkSize), this.end - position);
    const read = this.file.read(this.chunk, 0, wanted, position);
    this.chunkStart = position;
    this.chunkEnd = position + read;
    return read >= size;
  }
}
