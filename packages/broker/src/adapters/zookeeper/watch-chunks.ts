import type { WatchedPaths } from './messages.ts';

/** What one request may hold of them, so that many watches never make one too large for a server. */
const CHUNK_SIZE_MAX_BYTES = 128 * 1024;
const KINDS = ['node', 'absentNode', 'children', 'persistent', 'recursive'] as const;

/** Watched paths in parts that each fit into one request. None where nothing is watched. */
export function watchChunks(watched: WatchedPaths): WatchedPaths[] {
  const chunks: Record<(typeof KINDS)[number], string[]>[] = [];
  let sizeBytes = Infinity;
  for (const kind of KINDS) {
    for (const path of watched[kind]) {
      const pathBytes = 4 + Buffer.byteLength(path);
      if (sizeBytes + pathBytes > CHUNK_SIZE_MAX_BYTES) {
        chunks.push({ node: [], absentNode: [], children: [], persistent: [], recursive: [] });
        sizeBytes = 0;
      }
      chunks.at(-1)![kind].push(path);
      sizeBytes += pathBytes;
    }
  }
  return chunks;
}
