import type { ExternalRecords } from '@odradek/protocol/primitives/writer.ts';
import type { DiskError } from '../ports/disk.ts';
import type { PooledFile } from './open-files.ts';

/**
 * A stretch of a segment file, for an answer: the bytes are brought in only when they are sent. It stays
 * readable when its segment is closed or deleted meanwhile, until `release`, which must be called once.
 */
export class LogSlice implements ExternalRecords {
  readonly external = true;
  readonly sizeBytes: number;
  /** Where in the file the slice begins. */
  readonly position: number;
  private readonly file: PooledFile;
  private released = false;

  constructor(file: PooledFile, position: number, sizeBytes: number) {
    this.file = file;
    this.position = position;
    this.sizeBytes = sizeBytes;
    file.retain();
  }

  /** Path of the segment file. */
  get path(): string {
    return this.file.path;
  }

  /**
   * Reads `length` bytes of the slice, from `from` on, into `target`.
   *
   * @returns bytes read; fewer than asked when the log was truncated meanwhile: the answer cannot be completed
   * @throws DiskError
   */
  read(target: Buffer, targetStart: number, length: number, from = 0): number {
    const wanted = Math.min(length, this.sizeBytes - from);
    return this.file.read(target, targetStart, wanted, this.position + from);
  }

  /** Whether `length` bytes from `from` on were written so short a time ago that the page cache has them. */
  isFresh(from: number, length: number): boolean {
    return this.file.holds(this.position + from, length, 'writing');
  }

  /**
   * As `read`, on the loop, when it need not wait for the disk: all of it or nothing. Where the disk cannot tell, only what
   * was written not long ago counts.
   *
   * @throws DiskError
   */
  readAtOnce(target: Buffer, targetStart: number, length: number, from: number): boolean {
    return this.file.readAtOnce(target, targetStart, length, this.position + from);
  }

  /**
   * Sends up to `length` bytes from `from` on to a socket, as far as neither the disk nor the socket has to be waited for.
   *
   * @returns bytes sent, 0 among them
   */
  sendAtOnce(socket: number, length: number, from: number): number {
    return this.file.sendAtOnce(socket, length, this.position + from);
  }

  /** As `read`, off the loop; `done` comes later. */
  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    from: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    const wanted = Math.min(length, this.sizeBytes - from);
    this.file.readLater(target, targetStart, wanted, this.position + from, done);
  }

  /** The end of the slice was read off the loop. What lies behind it may be brought in before somebody asks. */
  readAhead(): void {
    if (!this.released) this.file.readAhead(this.position, this.sizeBytes);
  }

  /** Has all of it in the page cache, for who needs all bytes at once. @param done called once */
  bringIn(done: (error: DiskError | null) => void): void {
    this.file.bringIn(this.position, this.sizeBytes, done);
  }

  /** All bytes at once; fewer than `sizeBytes` when the log was truncated meanwhile. @throws DiskError */
  toBuffer(): Buffer {
    const buffer = Buffer.allocUnsafe(this.sizeBytes);
    return buffer.subarray(0, this.read(buffer, 0, this.sizeBytes));
  }

  /** Nothing more will be read. */
  release(): void {
    if (this.released) return;
    this.released = true;
    this.file.release();
  }
}
