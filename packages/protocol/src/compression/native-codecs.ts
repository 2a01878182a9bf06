import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);
let loadedLz4: typeof import('lz4-napi') | null = null;
let loadedSnappy: typeof import('snappy') | null = null;

/** Loaded when first used: most programs meet one codec or none, and each costs a start 10 ms. */
export function lz4(): typeof import('lz4-napi') {
  loadedLz4 ??= load('lz4-napi') as typeof import('lz4-napi');
  return loadedLz4;
}

/** @see lz4 */
export function snappy(): typeof import('snappy') {
  loadedSnappy ??= load('snappy') as typeof import('snappy');
  return loadedSnappy;
}
