const WINDOW = 200;
/** With fewer than these a share says nothing. */
const COUNT_MIN = 50;

/** Of the last records, how many failed for good. */
export class RecentOutcomes {
  private readonly failures: boolean[] = [];
  private failed = 0;
  private at = 0;

  note(isFailure: boolean): void {
    if (this.failures[this.at] === true) this.failed--;
    this.failures[this.at] = isFailure;
    if (isFailure) this.failed++;
    this.at = (this.at + 1) % WINDOW;
  }

  /** 0 to 1; 0 while there are too few. */
  get failedShare(): number {
    return this.failures.length < COUNT_MIN ? 0 : this.failed / this.failures.length;
  }
}
