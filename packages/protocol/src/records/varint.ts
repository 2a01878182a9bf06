/** Bytes that a zigzag varint of a 32-bit integer takes. */
export function varintSize(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x20_0000) return 3;
  return raw < 0x1000_0000 ? 4 : 5;
}

/** Writes a zigzag varint of a 32-bit integer. @returns where it ends */
export function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** Bytes that a zigzag varint of a 64-bit integer takes. */
export function varlongSize(value: number): number {
  if (value === value >> 0) return varintSize(value);
  let rest = zigzag64(value);
  let size = 1;
  for (; rest >= 0x80n; size++) rest >>= 7n;
  return size;
}

/** Writes a zigzag varint of a 64-bit integer. @returns where it ends */
export function writeVarlong(buffer: Buffer, at: number, value: number): number {
  if (value === value >> 0) return writeVarint(buffer, at, value);
  let rest = zigzag64(value);
  for (; rest >= 0x80n; rest >>= 7n) buffer[at++] = Number(rest & 0x7fn) | 0x80;
  buffer[at++] = Number(rest);
  return at;
}

/** Deltas beyond 32 bits (over 24 days within a batch) are rare enough for big integers. */
function zigzag64(value: number): bigint {
  const integer = BigInt.asIntN(64, BigInt(value));
  return BigInt.asUintN(64, (integer << 1n) ^ (integer >> 63n));
}
