import type { FrameBuffers } from './frame-buffers.ts';

/** The size before a frame is negative or above `socket.request.max.bytes`. */
export class FrameSizeError extends Error {
  override readonly name = 'FrameSizeError';
}

const SIZE_BYTES = 4;

/** A size up to here is believed when it comes; of a larger one memory is taken as its bytes really arrive. */
const BELIEVED_BYTES_MAX = 1280 * 1024;

/** So much must be missing from a frame before it is worth a read of its own. */
const DIRECT_READ_BYTES_MIN = 16 * 1024;

/**
 * Cuts the bytes of a connection into frames (int32 size, then that many bytes).
 *
 * A frame that lies whole in one received chunk is a view on it; one that does not is gathered in memory of its own,
 * into which the rest of it can be received at once (`room`). A lying size costs at most BELIEVED_BYTES_MAX, and
 * beyond it twice what really came. Holds at most one incomplete frame and what was pushed and not consumed.
 */
export class FrameSplitter {
  private readonly sizeMaxBytes: number;
  private readonly buffers: FrameBuffers;
  /** Chunks not consumed yet, the first from `offset` on. */
  private chunks: Buffer[] = [];
  private offset = 0;
  private pushedBytes = 0;
  /** The frame at hand, when it has to be gathered: `gatheredBytes` of `gatheredSize` are there. */
  private gathered: Buffer | null = null;
  private gatheredBytes = 0;
  private gatheredSize = 0;
  /** Gathered memory that the last frame lies in. */
  private lent: Buffer | null = null;

  /** @param buffers where frames are gathered */
  constructor(sizeMaxBytes: number, buffers: FrameBuffers) {
    this.sizeMaxBytes = sizeMaxBytes;
    this.buffers = buffers;
  }

  /** Bytes received and not yet handed out. */
  get buffered(): number {
    return this.pushedBytes + this.gatheredBytes;
  }

  /** Takes the chunk as the next bytes. It must stay as it is until all of it was handed out, or `keep` was called. */
  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.pushedBytes += chunk.length;
  }

  /** The memory of the chunk that was pushed last is about to be used again: what is left of it is copied. */
  keep(): void {
    const last = this.chunks.length - 1;
    if (last < 0) return;
    const start = last === 0 ? this.offset : 0;
    this.chunks[last] = Buffer.from(this.chunks[last]!.subarray(start));
    if (last === 0) this.offset = 0;
  }

  /** Where the missing bytes of a large frame should be received, in place of a chunk; null when a chunk will do. */
  room(): Buffer | null {
    if (this.gathered === null || this.pushedBytes > 0) return null;
    const end = Math.min(this.gathered.length, this.gatheredSize);
    if (end - this.gatheredBytes < DIRECT_READ_BYTES_MIN) return null;
    return this.gathered.subarray(this.gatheredBytes, end);
  }

  /** `count` bytes were received into `room`. */
  received(count: number): void {
    this.gatheredBytes += count;
    this.growGathered();
  }

  /**
   * The next whole frame without its size, or null when more bytes are needed. The frame is valid until the next
   * call of any method: who needs it longer copies it.
   *
   * @throws FrameSizeError on a size that no frame may have
   */
  next(): Buffer | null {
    this.takeBackLent();
    if (this.gathered === null) {
      if (this.pushedBytes < SIZE_BYTES) return null;
      const size = this.peekSize();
      if (size < 0 || size > this.sizeMaxBytes) {
        throw new FrameSizeError(`frame of ${size} bytes, allowed are 0 to ${this.sizeMaxBytes}`);
      }
      this.skip(SIZE_BYTES);
      const first = this.chunks[0];
      if (first === undefined ? size === 0 : first.length - this.offset >= size) return this.view(size);
      this.gathered = this.buffers.take(Math.min(size, BELIEVED_BYTES_MAX));
      this.gatheredBytes = 0;
      this.gatheredSize = size;
    }
    return this.gather();
  }

  /** The connection is gone, and with it all that was lent. */
  discard(): void {
    this.takeBackLent();
    this.chunks = [];
    this.pushedBytes = 0;
    // Not given back: a read into it may be under way.
    this.gathered = null;
  }

  private takeBackLent(): void {
    if (this.lent === null) return;
    this.buffers.giveBack(this.lent);
    this.lent = null;
  }

  /** Moves what was pushed into the gathered frame. @returns it, if that completes it */
  private gather(): Buffer | null {
    while (this.pushedBytes > 0 && this.gatheredBytes < this.gatheredSize) {
      const first = this.chunks[0]!;
      const end = Math.min(first.length, this.offset + this.gatheredSize - this.gatheredBytes);
      const count = first.copy(this.gathered!, this.gatheredBytes, this.offset, end);
      this.gatheredBytes += count;
      this.skip(count);
      this.growGathered();
    }
    if (this.gatheredBytes < this.gatheredSize) return null;
    const frame = this.gathered!.subarray(0, this.gatheredSize);
    this.lent = this.gathered;
    this.gathered = null;
    this.gatheredBytes = 0;
    return frame;
  }

  private growGathered(): void {
    const full = this.gathered!;
    if (this.gatheredBytes < full.length || this.gatheredBytes === this.gatheredSize) return;
    const larger = this.buffers.take(Math.min(this.gatheredSize, 2 * full.length));
    full.copy(larger, 0, 0, this.gatheredBytes);
    this.buffers.giveBack(full);
    this.gathered = larger;
  }

  private peekSize(): number {
    const first = this.chunks[0]!;
    if (first.length - this.offset >= SIZE_BYTES) return first.readInt32BE(this.offset);
    let size = 0;
    let at = this.offset;
    let chunk = 0;
    for (let i = 0; i < SIZE_BYTES; i++) {
      while (at >= this.chunks[chunk]!.length) {
        chunk++;
        at = 0;
      }
      size = (size << 8) | this.chunks[chunk]![at++]!;
    }
    return size;
  }

  private view(size: number): Buffer {
    const frame = size === 0 ? EMPTY : this.chunks[0]!.subarray(this.offset, this.offset + size);
    this.skip(size);
    return frame;
  }

  /** Drops `count` bytes, and the chunks that are used up with them. */
  private skip(count: number): void {
    this.pushedBytes -= count;
    this.offset += count;
    while (this.chunks.length > 0 && this.offset >= this.chunks[0]!.length) {
      this.offset -= this.chunks[0]!.length;
      this.chunks.shift();
    }
  }
}

const EMPTY = Buffer.alloc(0);
