/** Eight tables of 256 entries, one after another. */
export type CrcTables = Int32Array;

/**
 * Lookup tables for a reflected CRC of 32 bits, eight bytes at a step.
 *
 * @param polynomial the reflected polynomial
 */
export function crcTables(polynomial: number): CrcTables {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const previous = tables[at - 256]!;
    tables[at] = (previous >>> 8) ^ tables[previous & 0xff]!;
  }
  return tables;
}

/** The CRC of `buffer[start, end)` as an unsigned number. */
export function crcSliceByEight(t: CrcTables, buffer: Uint8Array, start: number, end: number): number {
  let crc = -1;
  let at = start;
  for (const wholeEnd = end - 7; at < wholeEnd; at += 8) {
    crc ^= buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
    crc =
      t[0x700 | (crc & 0xff)]! ^
      t[0x600 | ((crc >>> 8) & 0xff)]! ^
      t[0x500 | ((crc >>> 16) & 0xff)]! ^
      t[0x400 | (crc >>> 24)]! ^
      t[0x300 | buffer[at + 4]!]! ^
      t[0x200 | buffer[at + 5]!]! ^
      t[0x100 | buffer[at + 6]!]! ^
      t[buffer[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ buffer[at]!) & 0xff]!;
  return ~crc >>> 0;
}
