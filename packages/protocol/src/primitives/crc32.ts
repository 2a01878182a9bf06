import { crc32 as zlibCrc32 } from 'node:zlib';
import { crcSliceByEight, crcTables } from './slice-by-eight.ts';

/** Below this size the call into native code costs more than the bytes. */
const NATIVE_SIZE_MIN = 128;

/** CRC-32 of IEEE 802.3, reflected. */
const POLYNOMIAL = 0xedb88320;

const tables = crcTables(POLYNOMIAL);

/** CRC-32 of `buffer[start, end)` as an unsigned number: the checksum of messages of formats v0 and v1. */
export function crc32(buffer: Uint8Array, start = 0, end = buffer.length): number {
  if (end - start >= NATIVE_SIZE_MIN) return zlibCrc32(buffer.subarray(start, end));
  return crcSliceByEight(tables, buffer, start, end);
}
