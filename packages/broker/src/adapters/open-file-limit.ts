import { readFileSync } from 'node:fs';

/** What sockets, libraries and the rest of the process may need. */
const RESERVED = 1000;
const LIMIT_WHERE_UNKNOWN = 4096;
const FILES_MAX = 100_000;

/**
 * How many files of logs may be open at one time: three quarters of what the system lets this process open, so that
 * connections find room. The runtime has raised its limit as far as the system allows when it started.
 */
export function openFilesForLogs(limits = systemLimits()): number {
  const text = /^Max open files\s+(\d+|unlimited)/m.exec(limits ?? '')?.[1];
  if (text === undefined) return LIMIT_WHERE_UNKNOWN;
  if (text === 'unlimited') return FILES_MAX;
  return Math.min(FILES_MAX, Math.max(Math.floor((Number(text) - RESERVED) * 0.75), 128));
}

/** As Linux tells them; null elsewhere. */
function systemLimits(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return null;
  }
}
