import type { Segment } from '../segment.ts';

/** Files of so many segments are renamed in one slice when they are replaced: some 2 ms. */
const SEGMENTS_PER_GROUP_MAX = 32;
const RELATIVE_OFFSET_MAX = 0x7fffffff;

export interface GroupLimits {
  /** `segment.bytes` */
  readonly sizeMaxBytes: number;
  /** `segment.index.bytes` */
  readonly indexSizeMaxBytes: number;
}

/**
 * Divides segments into groups of neighbours that become one segment each, so that compaction does not leave
 * ever smaller ones: a group is at most as large as one segment may be, in bytes and in its span of offsets.
 *
 * @param segments oldest first, all that are to be compacted
 * @param endOffset one above the last offset of the last of them
 */
export function groupSegments(
  segments: readonly Segment[],
  endOffset: number,
  limits: GroupLimits,
): Segment[][] {
  const groups: Segment[][] = [];
  let group: Segment[] = [];
  for (const [index, segment] of segments.entries()) {
    const lastOffset = (segments[index + 1]?.baseOffset ?? endOffset) - 1;
    if (group.length > 0 && !fits(group, segment, lastOffset, limits)) {
      groups.push(group);
      group = [];
    }
    group.push(segment);
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function fits(group: readonly Segment[], next: Segment, lastOffset: number, limits: GroupLimits): boolean {
  const all = [...group, next];
  return (
    all.length <= SEGMENTS_PER_GROUP_MAX &&
    sum(all, (segment) => segment.sizeBytes) <= limits.sizeMaxBytes &&
    sum(all, (segment) => segment.offsetIndex.sizeBytes) <= limits.indexSizeMaxBytes &&
    sum(all, (segment) => segment.timeIndex.sizeBytes) <= limits.indexSizeMaxBytes &&
    // An empty segment has no offset that would be too far away.
    (next.sizeBytes === 0 || lastOffset - group[0]!.baseOffset <= RELATIVE_OFFSET_MAX)
  );
}

function sum(segments: readonly Segment[], sizeOf: (segment: Segment) => number): number {
  return segments.reduce((total, segment) => total + sizeOf(segment), 0);
}
