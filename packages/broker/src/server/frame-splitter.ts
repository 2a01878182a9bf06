/** The size before a frame is negative or above `socket.request.max.bytes`. */
export class FrameSizeError extends Error {
  override readonly name = 'FrameSizeError';
}

const SIZE_BYTES = 4;
const EMPTY = Buffer.alloc(0);

/**
 * Cuts the bytes of a connection into frames (int32 size, then that many bytes).
 *
 * A frame that lies whole in one received chunk is a view on it; only one that spans chunks is copied, once.
 * A size is believed only as far as bytes have really come, so a lying one costs nothing. Holds at most one
 * incomplete frame and the chunk being cut: `sizeMaxBytes` plus one receive buffer.
 */
export class FrameSplitter {
  private readonly sizeMaxBytes: number;
  /** Chunks not consumed yet, the first from `offset` on. */
  private chunks: Buffer[] = [];
  private offset = 0;
  private bufferedBytes = 0;

  constructor(sizeMaxBytes: number) {
    this.sizeMaxBytes = sizeMaxBytes;
  }

  /** Bytes received and not yet handed out. */
  get buffered(): number {
    return this.bufferedBytes;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bufferedBytes += chunk.length;
  }

  /**
   * The next whole frame without its size, or null when more bytes are needed.
   * @throws FrameSizeError on a size that no frame may have
   */
  next(): Buffer | null {
    if (this.bufferedBytes < SIZE_BYTES) return null;
    const size = this.peekSize();
    if (size < 0 || size > this.sizeMaxBytes) {
      throw new FrameSizeError(`frame of ${size} bytes, allowed are 0 to ${this.sizeMaxBytes}`);
    }
    if (this.bufferedBytes < SIZE_BYTES + size) return null;
    this.consume(SIZE_BYTES);
    return this.consume(size);
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

  private consume(size: number): Buffer {
    this.bufferedBytes -= size;
    const part = this.takeFromFirst(size);
    if (part.length === size) return part;
    const parts = [part];
    let missing = size - part.length;
    while (missing > 0) {
      const next = this.takeFromFirst(missing);
      parts.push(next);
      missing -= next.length;
    }
    return Buffer.concat(parts, size);
  }

  /** Up to `size` bytes of the first chunk, which is dropped once it is used up. */
  private takeFromFirst(size: number): Buffer {
    const first = this.chunks[0];
    if (first === undefined || size === 0) return EMPTY;
    const part = first.subarray(this.offset, this.offset + size);
    this.offset += part.length;
    if (this.offset === first.length) {
      this.chunks.shift();
      this.offset = 0;
    }
    return part;
  }
}
