/** The first `size` bytes, copied when keeping the buffer would hold on to much more than that. */
export function trimmed(buffer: Buffer, size: number): Buffer {
  if (size === buffer.length) return buffer;
  const used = buffer.subarray(0, size);
  return size * 2 < buffer.length ? Buffer.from(used) : used;
}
