const TWO_32 = 0x1_0000_0000;
const INT64_LIMIT = 2 ** 63;

/** A big-endian 64-bit integer; beyond 2^53 rounded to the nearest double. */
export function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * TWO_32 + buffer.readUInt32BE(at + 4);
}

/** Writes a big-endian 64-bit integer; values outside the type become its extremes. */
export function writeInt64(buffer: Buffer, at: number, value: number): void {
  if (value >= INT64_LIMIT) {
    buffer.writeInt32BE(0x7fffffff, at);
    buffer.writeUInt32BE(0xffffffff, at + 4);
    return;
  }
  const high = Math.max(Math.floor(value / TWO_32), -0x80000000);
  buffer.writeInt32BE(high, at);
  buffer.writeUInt32BE(value < -INT64_LIMIT ? 0 : value - high * TWO_32, at + 4);
}
