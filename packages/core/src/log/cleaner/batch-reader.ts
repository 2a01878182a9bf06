import { LOG_OVERHEAD, batchCrcValid, batchesOf } from '@odradek/protocol/records/batch-header.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import type { PooledFile } from '../open-files.ts';
import { diskCall } from '../work.ts';
import type { Work } from '../work.ts';

const BUFFER_SIZE_MIN = 256;

/**
 * Reads the batches of a stretch of a segment file in pieces, off the loop, because the page cache need not have
 * them. The buffer grows where one batch does not fit.
 */
export class BatchReader {
  private buffer: Buffer;
  private readonly bufferSize: number;
  private file: PooledFile | null = null;
  private position = 0;
  private end = 0;
  private filled = 0;

  /** @param bufferSizeBytes to read at a time; a few at least are */
  constructor(bufferSizeBytes: number) {
    this.bufferSize = Math.max(bufferSizeBytes, BUFFER_SIZE_MIN);
    this.buffer = Buffer.allocUnsafe(this.bufferSize);
  }

  /** Turns to another stretch. @param start where a batch begins */
  begin(file: PooledFile, start: number, end: number): void {
    this.file = file;
    this.position = start;
    this.end = end;
    this.filled = 0;
    if (this.buffer.length > this.bufferSize) this.buffer = Buffer.allocUnsafe(this.bufferSize);
  }

  /**
   * Has the next whole batches in memory; those before are forgotten.
   *
   * @returns how many bytes were read, 0 at the end
   * @throws DiskError
   * @throws MalformedBytesError when the stretch ends within a batch, or holds none
   */
  *next(): Work<number> {
    if (this.position >= this.end) return 0;
    let read = yield* this.read();
    const size = this.firstBatchSize();
    if (size > this.filled) {
      this.buffer = Buffer.allocUnsafe(size);
      read += yield* this.read();
    }
    if (size > this.filled) throw this.malformed(`ends within a batch of ${size} bytes`);
    return read;
  }

  private firstBatchSize(): number {
    if (this.filled < LOG_OVERHEAD) throw this.malformed(`has ${this.filled} bytes that are no batch`);
    const size = this.buffer.readInt32BE(8) + LOG_OVERHEAD;
    if (size < LOG_OVERHEAD || size > this.end - this.position) {
      throw this.malformed(`has a batch of ${size} bytes, ${this.end - this.position} are left`);
    }
    return size;
  }

  private *read(): Work<number> {
    const file = this.file!;
    const length = Math.min(this.buffer.length, this.end - this.position);
    const { buffer, position } = this;
    yield* diskCall((done) =>
      file.readLater(buffer, 0, length, position, (error, bytesRead) => {
        this.filled = bytesRead;
        done(error);
      }),
    );
    yield { ioBytes: this.filled, records: 0 };
    return this.filled;
  }

  /**
   * The whole batches in memory, each with a right checksum; to be walked over once.
   *
   * @throws MalformedBytesError
   */
  *batches(): Generator<BatchHeader> {
    let consumed = 0;
    for (const header of batchesOf(this.buffer, 0, this.filled)) {
      if (!batchCrcValid(this.buffer.subarray(0, this.filled), header.position)) {
        throw this.malformed(`has a batch with a wrong checksum at ${this.position + header.position}`);
      }
      consumed = header.end;
      yield header;
    }
    this.position += consumed;
  }

  private malformed(what: string): MalformedBytesError {
    return new MalformedBytesError(`${this.file!.path} ${what}`);
  }
}
