import { createRequire } from 'node:module';

/** The CRC-32C of `bytes[start, end)`, unsigned. */
export type Crc32c = (bytes: Uint8Array, start: number, end: number) => number;

/** "123456789", and what every table of checksums gives for it. */
const CHECK_INPUT = new Uint8Array([0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39]);
const CHECK_VALUE = 0xe3069283;

/** Ways to have CRC-32C computed by the processor's own instruction, the fastest first; null where it is not to be had. */
export const nativeImplementations: readonly (() => Crc32c | null)[] = [
  /** Ours, compiled where there was a compiler (native/crc32c.c): at 128 KB five times as fast as the other. */
  () => {
    const module = `../../native/crc32c-${process.platform}-${process.arch}.node`;
    return load<{ crc32c?: Crc32c }>(module)?.crc32c ?? null;
  },
  () => {
    const module = load<typeof import('@node-rs/crc32')>('@node-rs/crc32');
    return module === null ? null : (bytes, start, end) => module.crc32c(bytes.subarray(start, end));
  },
];

/** The first that is there and computes what it should. */
export function loadNativeCrc32c(): Crc32c | null {
  for (const implementation of nativeImplementations) {
    const crc32c = implementation();
    if (crc32c !== null && crc32c(CHECK_INPUT, 0, CHECK_INPUT.length) === CHECK_VALUE) return crc32c;
  }
  return null;
}

function load<Module>(name: string): Module | null {
  try {
    return createRequire(import.meta.url)(name) as Module;
  } catch {
    return null;
  }
}
