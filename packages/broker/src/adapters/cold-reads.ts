import { totalmem } from 'node:os';
import type { LogManagerOptions } from '@odradek/core/log/log-manager.ts';

/** Of the memory that this process may use, the share that its logs' pages are relied on to find there. */
const PAGE_CACHE_SHARE = 1 / 8;
/** What libuv starts unless UV_THREADPOOL_SIZE says otherwise. */
const POOL_THREADS_DEFAULT = 4;
const AHEAD_BYTES_MAX = 16 * 1024 * 1024;
/** So that what was read ahead is still there when it is asked for. */
const AHEAD_SHARE = 1 / 4;

/**
 * How records are read that may have to come from the disk. Half of the pool's threads at most: the others are left to
 * syncs, which producers wait for.
 */
export function coldReadsHere(
  memoryBytes = usableMemory(),
  poolThreads = Number(process.env['UV_THREADPOOL_SIZE'] ?? POOL_THREADS_DEFAULT),
): NonNullable<LogManagerOptions['coldReads']> {
  const pageCacheBytes = memoryBytes * PAGE_CACHE_SHARE;
  return {
    pageCacheBytes,
    later: {
      concurrencyMax: Math.max(1, Math.floor((poolThreads || POOL_THREADS_DEFAULT) / 2)),
      aheadBytesMax: Math.min(AHEAD_BYTES_MAX, pageCacheBytes * AHEAD_SHARE),
    },
  };
}

/** A container may have less than its machine. */
function usableMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
