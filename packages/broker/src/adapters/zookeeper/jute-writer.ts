const SIZE_BYTES = 4;
const CAPACITY_FIRST = 256;

/**
 * Writes one frame in the encoding of ZooKeeper (Jute, binary archive): big-endian numbers, strings and buffers with
 * their length in front, -1 for none.
 */
export class JuteWriter {
  private buffer = Buffer.allocUnsafe(CAPACITY_FIRST);
  private end = SIZE_BYTES;

  int(value: number): this {
    const at = this.take(4);
    this.buffer.writeInt32BE(value, at);
    return this;
  }

  long(value: bigint): this {
    const at = this.take(8);
    this.buffer.writeBigInt64BE(value, at);
    return this;
  }

  boolean(value: boolean): this {
    const at = this.take(1);
    this.buffer.writeUInt8(value ? 1 : 0, at);
    return this;
  }

  bytes(value: Buffer | null): this {
    this.int(value === null ? -1 : value.length);
    if (value === null) return this;
    const at = this.take(value.length);
    value.copy(this.buffer, at);
    return this;
  }

  text(value: string): this {
    const sizeBytes = Buffer.byteLength(value);
    this.int(sizeBytes);
    const at = this.take(sizeBytes);
    this.buffer.write(value, at, 'utf8');
    return this;
  }

  vector<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.int(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** The frame, its length in front. The writer is used up. */
  frame(): Buffer {
    this.buffer.writeInt32BE(this.end - SIZE_BYTES, 0);
    return this.buffer.subarray(0, this.end);
  }

  /** Room for so many bytes; the buffer may be another one then. @returns where it begins */
  private take(sizeBytes: number): number {
    const at = this.end;
    this.end += sizeBytes;
    if (this.end > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.end, this.buffer.length * 2));
      this.buffer.copy(grown, 0, 0, at);
      this.buffer = grown;
    }
    return at;
  }
}
