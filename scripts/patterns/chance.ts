/** Numbers by seed, so that a run can be repeated. */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 to below 1. */
  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

/** Numbers from 0 to below `count` of which the first are by far the most frequent. */
export class Zipf {
  private readonly sums: number[] = [];
  private readonly chance: Chance;

  constructor(chance: Chance, count: number, exponent: number) {
    this.chance = chance;
    let sum = 0;
    for (let rank = 1; rank <= count; rank++) this.sums.push((sum += rank ** -exponent));
  }

  next(): number {
    const wanted = this.chance.fraction() * this.sums.at(-1)!;
    let low = 0;
    for (let high = this.sums.length - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (this.sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
