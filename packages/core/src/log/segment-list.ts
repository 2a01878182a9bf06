import type { Segment } from './segment.ts';

/** The segments of one log, in order. The last one is active; there is always one once the log is open. */
export class SegmentList {
  private segments: Segment[] = [];

  get count(): number {
    return this.segments.length;
  }

  get all(): readonly Segment[] {
    return this.segments;
  }

  get first(): Segment {
    return this.segments[0]!;
  }

  get active(): Segment {
    return this.segments.at(-1)!;
  }

  get sizeBytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  at(index: number): Segment | undefined {
    return this.segments[index];
  }

  /** The segment that `offset` belongs to: index of the last one whose base offset is at most `offset`, or -1. */
  floorIndex(offset: number): number {
    let low = 0;
    let high = this.segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.segments[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }

  /** The segments from the one that `offset` belongs to on. */
  from(offset: number): readonly Segment[] {
    return this.segments.slice(Math.max(0, this.floorIndex(offset)));
  }

  /** @param segment with a base offset above all others */
  add(segment: Segment): void {
    this.segments.push(segment);
  }

  /** Puts one in the place of neighbours. @param old those, oldest first; `segment` begins where the first does */
  replace(old: readonly Segment[], segment: Segment): void {
    this.segments.splice(this.segments.indexOf(old[0]!), old.length, segment);
  }

  /** Takes one away and returns it, in a list. */
  take(segment: Segment): Segment[] {
    return this.segments.splice(this.segments.indexOf(segment), 1);
  }

  /** Takes the first `count` away and returns them. */
  takeFirst(count: number): Segment[] {
    return this.segments.splice(0, count);
  }

  /** Takes away and returns those whose base offset is above `offset`. */
  takeAbove(offset: number): Segment[] {
    return this.segments.splice(this.floorIndex(offset) + 1);
  }
}
