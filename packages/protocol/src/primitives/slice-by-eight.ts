/**
 * Lookup tables for a reflected CRC of 32 bits, eight bytes at a step.
 *
 * @param polynomial the reflected polynomial
 */
export function crcTables(polynomial: number): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    first[byte] = crc >>> 0;
  }
  const tables = [first];
  for (let step = 1; step < 8; step++) {
    const previous = tables[step - 1]!;
    tables.push(previous.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!));
  }
  return tables;
}

/** The CRC of `buffer[start, end)` as an unsigned number. */
export function crcSliceByEight(
  tables: readonly Uint32Array[],
  buffer: Uint8Array,
  start: number,
  end: number,
): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  let crc = -1;
  let at = start;
  for (const wholeEnd = end - 7; at < wholeEnd; at += 8) {
    crc ^= buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[buffer[at + 4]!]! ^
      t2[buffer[at + 5]!]! ^
      t1[buffer[at + 6]!]! ^
      t0[buffer[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ buffer[at]!) & 0xff]!;
  return ~crc >>> 0;
}
