/** The peer sent a length that no answer can have; the connection is of no use any more. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly code = 'FRAME_ERROR';
}

const LENGTH_SIZE_BYTES = 4;

/** So much must be missing from a frame before it is worth a read of its own. */
const ROOM_MIN_BYTES = 16 * 1024;

/**
 * Cuts a byte stream into the frames of the protocol: a 4-byte length, then that many bytes. Chunks may hold any part of
 * a frame or several; they are not kept, each frame has memory of its own. That is bounded by `frameSizeMaxBytes`.
 */
export class FrameSplitter {
  private readonly frameSizeMaxBytes: number;
  private readonly onFrame: (frame: Buffer) => void;
  private readonly length = Buffer.alloc(LENGTH_SIZE_BYTES);
  private lengthFilled = 0;
  private frame: Buffer | null = null;
  private frameFilled = 0;

  constructor(frameSizeMaxBytes: number, onFrame: (frame: Buffer) => void) {
    this.frameSizeMaxBytes = frameSizeMaxBytes;
    this.onFrame = onFrame;
  }

  /** Where the rest of a large frame can be received, to be given to `push` there; null when any chunk will do. */
  get room(): Buffer | null {
    if (this.frame === null || this.frame.length - this.frameFilled < ROOM_MIN_BYTES) return null;
    return this.frame.subarray(this.frameFilled);
  }

  /** @throws FrameError on a negative length or one above the limit; whatever the frame's receiver throws */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.frame === null ? this.startFrame(chunk, at) : this.continueFrame(this.frame, chunk, at);
    }
  }

  private startFrame(chunk: Buffer, start: number): number {
    let at = start;
    while (this.lengthFilled < LENGTH_SIZE_BYTES && at < chunk.length) {
      this.length[this.lengthFilled++] = chunk[at++]!;
    }
    if (this.lengthFilled < LENGTH_SIZE_BYTES) return at;
    const size = this.checkedSize(this.length.readInt32BE(0));
    this.lengthFilled = 0;
    this.frame = Buffer.allocUnsafe(size);
    this.frameFilled = 0;
    return at;
  }

  private continueFrame(frame: Buffer, chunk: Buffer, at: number): number {
    const size = Math.min(frame.length - this.frameFilled, chunk.length - at);
    const isInPlace =
      chunk.buffer === frame.buffer && chunk.byteOffset === frame.byteOffset + this.frameFilled;
    if (!isInPlace) chunk.copy(frame, this.frameFilled, at, at + size);
    this.frameFilled += size;
    if (this.frameFilled === frame.length) {
      this.frame = null;
      this.onFrame(frame);
    }
    return at + size;
  }

  private checkedSize(size: number): number {
    if (size < LENGTH_SIZE_BYTES || size > this.frameSizeMaxBytes) {
      throw new FrameError(
        `an answer of ${size} bytes was announced, allowed are ${LENGTH_SIZE_BYTES} to ${this.frameSizeMaxBytes}: is this a Kafka broker?`,
      );
    }
    return size;
  }
}
