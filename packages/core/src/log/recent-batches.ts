/** Batches remembered per active segment; a power of two. */
const CAPACITY = 64;

/** Where a batch lies in its segment. */
export interface BatchPlace {
  readonly lastOffset: number;
  readonly position: number;
  readonly sizeBytes: number;
  readonly magic: number;
}

/**
 * The batches at the end of an active segment. Consumers and followers read where producers have just written,
 * and high watermarks lie there, so nearly every position is found here, without a look at index or file.
 */
export class RecentBatches {
  private readonly places: BatchPlace[] = [];
  private start = 0;

  add(place: BatchPlace): void {
    if (this.places.length < CAPACITY) {
      this.places.push(place);
    } else {
      this.places[this.start] = place;
      this.start = (this.start + 1) % CAPACITY;
    }
  }

  clear(): void {
    this.places.length = 0;
    this.start = 0;
  }

  /** The first batch whose last offset is at least `offset`; null when that may be one before those known. */
  find(offset: number): BatchPlace | null {
    const count = this.places.length;
    if (count === 0 || this.at(count - 1).lastOffset < offset || this.at(0).lastOffset >= offset) {
      return this.isOldest(offset) ? this.at(0) : null;
    }
    let low = 1;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle).lastOffset >= offset) high = middle;
      else low = middle + 1;
    }
    return this.at(low);
  }

  /** The oldest known batch is the right one when nothing comes before it in its segment. */
  private isOldest(offset: number): boolean {
    const oldest = this.places.length === 0 ? null : this.at(0);
    return oldest !== null && oldest.position === 0 && oldest.lastOffset >= offset;
  }

  private at(index: number): BatchPlace {
    return this.places[(this.start + index) % CAPACITY]!;
  }
}
