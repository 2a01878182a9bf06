/** Bits written from the highest of each byte on. */
export class BitWriter {
  private readonly bytes: number[] = [];
  private current = 0;
  private used = 0;

  get sizeBytes(): number {
    return this.bytes.length + (this.used > 0 ? 1 : 0);
  }

  bit(value: number): void {
    this.current = (this.current << 1) | value;
    if (++this.used < 8) return;
    this.bytes.push(this.current);
    this.current = 0;
    this.used = 0;
  }

  /** The lowest `count` bits of a number. */
  bits(value: number, count: number): void {
    for (let at = count - 1; at >= 0; at--) this.bit(Math.floor(value / 2 ** at) % 2);
  }

  take(): Buffer {
    while (this.used > 0) this.bit(0);
    return Buffer.from(this.bytes);
  }
}

/** Reads what BitWriter wrote. */
export class BitReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** @throws RangeError past the end */
  bit(): number {
    const byte = this.bytes[this.at >> 3];
    if (byte === undefined) throw new RangeError('the bits end too early');
    return (byte >> (7 - (this.at++ & 7))) & 1;
  }

  bits(count: number): number {
    let value = 0;
    for (let at = 0; at < count; at++) value = value * 2 + this.bit();
    return value;
  }
}
