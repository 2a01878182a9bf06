/** Readers of one file that are told apart. */
const READERS_MAX = 8;

/**
 * Finds out who reads a file on and on: whose reading begins within what another reading, the last of the same
 * reader in all likelihood, took, and goes beyond it. A batch that was cut off at the end is read again.
 */
export class SequentialReads {
  private last: { readonly from: number; readonly to: number }[] = [];

  /** Notes a reading. @returns whether it goes on where one before ended */
  note(from: number, to: number): boolean {
    const before = this.last.findIndex(
      (reading) => reading.from < from && from <= reading.to && reading.to < to,
    );
    if (before >= 0) this.last.splice(before, 1);
    else if (this.last.length === READERS_MAX) this.last.shift();
    this.last.push({ from, to });
    return before >= 0;
  }
}
