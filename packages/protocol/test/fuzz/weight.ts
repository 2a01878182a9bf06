/**
 * How many values a message holds: every array element, every struct, every kept tag, and the characters of its
 * texts. Bytes count nothing, they are views. A stand-in for the memory that reading it took, which does not
 * depend on the garbage collector.
 */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length;
  if (Buffer.isBuffer(value) || typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + weightOf(inner), 1);
}
