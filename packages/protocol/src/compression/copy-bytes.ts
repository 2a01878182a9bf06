/** From this length on the runtime's own copy is faster than a loop. */
const RUNTIME_COPY_SIZE_MIN = 48;

/** Copies `size` bytes between different buffers; both ranges must lie within them. */
export function copyBytes(from: Buffer, fromStart: number, to: Buffer, toStart: number, size: number): void {
  if (size >= RUNTIME_COPY_SIZE_MIN) {
    from.copy(to, toStart, fromStart, fromStart + size);
    return;
  }
  for (let i = 0; i < size; i++) to[toStart + i] = from[fromStart + i]!;
}

/**
 * Appends `size` bytes that begin `distance` back, byte after byte: where the distance is smaller than the
 * size, bytes just written are repeated, as the matches of LZ4 and Snappy mean it.
 */
export function repeatBytes(buffer: Buffer, at: number, distance: number, size: number): void {
  if (size >= RUNTIME_COPY_SIZE_MIN) {
    repeatLong(buffer, at, distance, size);
    return;
  }
  for (let i = at; i < at + size; i++) buffer[i] = buffer[i - distance]!;
}

/** Doubles the repeated stretch until it fills the place, so that runs of one byte are fast too. */
function repeatLong(buffer: Buffer, at: number, distance: number, size: number): void {
  const from = at - distance;
  let written = 0;
  while (written < size) {
    const chunk = Math.min(distance + written, size - written);
    buffer.copyWithin(at + written, from, from + chunk);
    written += chunk;
  }
}
