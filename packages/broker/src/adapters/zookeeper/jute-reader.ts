/** A server sent what is no message of ZooKeeper's protocol. The connection cannot be used any further. */
export class ZookeeperProtocolError extends Error {
  override readonly name = 'ZookeeperProtocolError';
}

/**
 * Reads one frame in the encoding of ZooKeeper (see JuteWriter). Every length is checked against what is really
 * there, so hostile bytes cost an error and nothing else.
 */
export class JuteReader {
  private readonly buffer: Buffer;
  private at = 0;

  /** @param buffer without the length in front */
  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  int(): number {
    return this.buffer.readInt32BE(this.take(4, 'a number'));
  }

  /** Any 64 bits: session ids use all of them. */
  long(): bigint {
    return this.buffer.readBigInt64BE(this.take(8, 'a number'));
  }

  /** A 64-bit number that fits into one of JavaScript: a transaction id or a time. */
  number(): number {
    const value = Number(this.long());
    if (!Number.isSafeInteger(value)) throw this.failure(`the number ${value} is out of range`);
    return value;
  }

  boolean(): boolean {
    const value = this.buffer[this.take(1, 'a truth value')]!;
    if (value > 1) throw this.failure(`${value} is no truth value`);
    return value === 1;
  }

  /** A copy, so that what it was received in can go. */
  bytes(): Buffer | null {
    const length = this.int();
    if (length === -1) return null;
    if (length < 0) throw this.failure(`a length is ${length}`);
    const at = this.take(length, 'a buffer');
    return Buffer.from(this.buffer.subarray(at, at + length));
  }

  text(): string {
    const length = this.int();
    if (length < 0) throw this.failure(`the length of a text is ${length}`);
    const at = this.take(length, 'a text');
    return this.buffer.toString('utf8', at, at + length);
  }

  /** @param sizeMinBytes what an item takes at least */
  vector<Item>(sizeMinBytes: number, read: () => Item): Item[] {
    const count = this.int();
    if (count === -1) return [];
    if (count < 0 || count * sizeMinBytes > this.left) throw this.failure(`a list has ${count} items`);
    return Array.from({ length: count }, read);
  }

  get left(): number {
    return this.buffer.length - this.at;
  }

  /** @throws ZookeeperProtocolError when bytes are left that nothing explains */
  end(): void {
    if (this.left > 0) throw this.failure(`${this.left} bytes follow its end`);
  }

  private take(sizeBytes: number, what: string): number {
    if (sizeBytes > this.left) throw this.failure(`${what} of ${sizeBytes} bytes goes beyond the end`);
    const { at } = this;
    this.at += sizeBytes;
    return at;
  }

  private failure(what: string): ZookeeperProtocolError {
    return new ZookeeperProtocolError(
      `malformed message of ${this.buffer.length} bytes from ZooKeeper: ${what} (at byte ${this.at})`,
    );
  }
}
