import { createRequire } from 'node:module';

/**
 * What the system says of its page cache, where it can be asked (native/page-cache.c): Node.js has no way to. Counts are
 * of bytes; a negative one is an error of the system.
 */
export interface NativePageCache {
  /** Reads without waiting for a device. @returns fewer than `length` where that ends, or the file does */
  readCached(file: number, target: Uint8Array, targetStart: number, length: number, position: number): number;
  /** Sends from the page cache. @returns 0 where the socket has no room, or a device would have to be waited for */
  sendCached(socket: number, file: number, position: number, length: number): number;
}

/** Null where it was not compiled. */
export function loadNativePageCache(): NativePageCache | null {
  try {
    const module = `../../native/page-cache-${process.platform}-${process.arch}.node`;
    return createRequire(import.meta.url)(module) as NativePageCache;
  } catch {
    return null;
  }
}
