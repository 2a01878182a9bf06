import { createRequire } from 'node:module';
import { crcSliceByEight, crcTables } from './slice-by-eight.ts';

/** Below this size the call into native code costs more than the bytes. */
const NATIVE_SIZE_MIN = 256;

/** CRC-32C (Castagnoli), reflected. */
const POLYNOMIAL = 0x82f63b78;

const tables = crcTables(POLYNOMIAL);
/** Loaded when first used, which costs 9 ms; null where it cannot be. */
let native: ((input: Uint8Array) => number) | null | undefined;

/**
 * CRC-32C of `buffer[start, end)` as an unsigned number: the checksum of record batches of format v2.
 * Uses the processor's instruction when the native module can be loaded, tables otherwise.
 */
export function crc32c(buffer: Uint8Array, start = 0, end = buffer.length): number {
  if (end - start >= NATIVE_SIZE_MIN) {
    if (native === undefined) native = loadNative();
    if (native !== null) return native(buffer.subarray(start, end));
  }
  return crcSliceByEight(tables, buffer, start, end);
}

function loadNative(): ((input: Uint8Array) => number) | null {
  try {
    const module = createRequire(import.meta.url)('@node-rs/crc32') as typeof import('@node-rs/crc32');
    return module.crc32c;
  } catch {
    return null;
  }
}
