const START_RECORDS = 16;
const GROWTH = 2;

/**
 * How many records to ask for at once. What waits here is withheld from the other members, and comes again to somebody
 * when its lock runs out, with one attempt less left: so no more than is handled in a short time, learned from how
 * long the last helping took.
 */
export class Appetite {
  private readonly minRecords: number;
  private readonly maxRecords: number;
  private records: number;
  private servedAtMs: number | null = null;
  private isFull = false;

  /**
   * @param minRecords that are handled at the same time, 1 or more
   * @param maxRecords at least as many
   */
  constructor(minRecords: number, maxRecords: number) {
    this.minRecords = Math.min(minRecords, maxRecords);
    this.maxRecords = maxRecords;
    this.records = Math.min(Math.max(START_RECORDS, this.minRecords), maxRecords);
  }

  get maxCount(): number {
    return this.records;
  }

  /** Records have come. @param count less than was asked for says nothing of who handles them */
  served(count: number, nowMs: number): void {
    this.servedAtMs ??= nowMs;
    this.isFull ||= count >= this.records;
  }

  /** What had come is handed out, and more is wanted. @param enoughMs what one helping should last for */
  emptied(nowMs: number, enoughMs: number): void {
    if (this.servedAtMs === null) return;
    const lastedMs = nowMs - this.servedAtMs;
    if (lastedMs > enoughMs) this.records = Math.max(Math.floor(this.records / GROWTH), this.minRecords);
    else if (this.isFull) this.records = Math.min(this.records * GROWTH, this.maxRecords);
    this.servedAtMs = null;
    this.isFull = false;
  }
}
