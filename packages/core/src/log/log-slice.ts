import type { ExternalRecords } from '@odradek/protocol/primitives/writer.ts';
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
  /** It ends where the log ends or nearly so: the page cache has it. */
  readonly isTail: boolean;
  private readonly file: PooledFile;
  private released = false;

  constructor(file: PooledFile, position: number, sizeBytes: number, isTail: boolean) {
    this.file = file;
    this.position = position;
    this.sizeBytes = sizeBytes;
    this.isTail = isTail;
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
    return this.file.use().read(target, targetStart, wanted, this.position + from);
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
