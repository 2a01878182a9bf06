import { ZookeeperProtocolError } from './jute-reader.ts';

const SIZE_BYTES = 4;

/** Cuts what a server sends into frames. Holds one incomplete frame, of `sizeMaxBytes` at most, and one chunk. */
export class AnswerFrames {
  private readonly sizeMaxBytes: number;
  private chunks: Buffer[] = [];
  private bufferedBytes = 0;
  /** Bytes that must be there before looking again is worth it. */
  private neededBytes = SIZE_BYTES;

  constructor(sizeMaxBytes: number) {
    this.sizeMaxBytes = sizeMaxBytes;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bufferedBytes += chunk.length;
  }

  /**
   * The next whole frame without its size, or null when more bytes are needed.
   * @throws ZookeeperProtocolError on a size that no frame may have
   */
  next(): Buffer | null {
    if (this.bufferedBytes < this.neededBytes) return null;
    const bytes = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
    const size = bytes.readInt32BE(0);
    if (size < 0 || size > this.sizeMaxBytes) {
      throw new ZookeeperProtocolError(
        `it is not a ZooKeeper server, or its answer is too large: a frame of ${size} bytes, allowed are 0 to ${this.sizeMaxBytes}`,
      );
    }
    const end = SIZE_BYTES + size;
    const isWhole = bytes.length >= end;
    this.neededBytes = isWhole ? SIZE_BYTES : end;
    this.chunks = [isWhole ? bytes.subarray(end) : bytes];
    this.bufferedBytes = this.chunks[0]!.length;
    return isWhole ? bytes.subarray(SIZE_BYTES, end) : null;
  }
}
