import { loadNativeCrc32c, type Crc32c } from './native-crc32c.ts';
import { crcSliceByEight, crcTables } from './slice-by-eight.ts';

/** Below this size the call into native code costs more than the bytes. */
const NATIVE_SIZE_MIN = 128;

/** CRC-32C (Castagnoli), reflected. */
const POLYNOMIAL = 0x82f63b78;

const tables = crcTables(POLYNOMIAL);
/** Loaded when first used; null where it cannot be. */
let native: Crc32c | null | undefined;

/**
 * CRC-32C of `buffer[start, end)` as an unsigned number: the checksum of record batches of format v2.
 * Uses the processor's instruction when a native module can be loaded, tables otherwise.
 */
export function crc32c(buffer: Uint8Array, start = 0, end = buffer.length): number {
  if (end - start >= NATIVE_SIZE_MIN) {
    if (native === undefined) native = loadNativeCrc32c();
    if (native !== null) return native(buffer, start, end);
  }
  return crc32cByTables(buffer, start, end);
}

/** As `crc32c`, in JavaScript whatever the size. */
export function crc32cByTables(buffer: Uint8Array, start: number, end: number): number {
  return crcSliceByEight(tables, buffer, start, end);
}
