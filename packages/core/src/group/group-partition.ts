/**
 * The partition of `__consumer_offsets` that owns a group: Java's hash of the group id, its sign dropped, modulo
 * the number of partitions. The smallest integer, whose sign cannot be dropped, counts as 0.
 */
export function partitionOfGroup(groupId: string, partitionCount: number): number {
  const hash = javaStringHash(groupId);
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % partitionCount;
}

/** String.hashCode of Java: over UTF-16 units, in 32 bits. */
function javaStringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
