import type { SeededRandom } from '@odradek/testing/seeded-random.ts';

/** Numbers from 0 to below `count` of which the first are by far the most frequent. */
export class Zipf {
  private readonly sums: number[] = [];
  private readonly random: SeededRandom;

  constructor(random: SeededRandom, count: number, exponent: number) {
    this.random = random;
    let sum = 0;
    for (let rank = 1; rank <= count; rank++) this.sums.push((sum += rank ** -exponent));
  }

  next(): number {
    const wanted = this.random.fraction() * this.sums.at(-1)!;
    let low = 0;
    for (let high = this.sums.length - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (this.sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
