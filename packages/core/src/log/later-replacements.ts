import { DiskError, type Disk } from '../ports/disk.ts';
import { replaceFileLater, type ReplacementDone } from './later-replacement.ts';

/** Under way at one time. Each takes a thread of the pool at most; the others are left to those who are waited for. */
const CONCURRENCY_MAX = 2;

interface Waiting {
  readonly path: string;
  readonly contents: () => Buffer | null;
  readonly done: ReplacementDone;
  /** Ends it once it is under way. */
  end: (() => void) | null;
}

/** Small files that are replaced off the loop, few at a time: when ten thousand logs are made, each has one. */
export class LaterReplacements {
  private readonly disk: Disk;
  private readonly waiting = new Set<Waiting>();
  private running = 0;

  constructor(disk: Disk) {
    this.disk = disk;
  }

  /**
   * As `replaceFileLater`, when it is its turn.
   *
   * @param contents is asked for then; null when there is nothing to write any more
   * @param done is never called before this has returned
   * @returns ends it: nothing more is called but `directoryFailed`, and unless `renamed` was, the file stays as it is
   */
  replace(
    timers: { after(delayMs: number, fire: () => void): unknown },
    path: string,
    contents: () => Buffer | null,
    done: ReplacementDone,
  ): () => void {
    const one: Waiting = { path, contents, done, end: null };
    this.waiting.add(one);
    if (this.running < CONCURRENCY_MAX) {
      this.running++;
      timers.after(0, () => this.next());
    }
    return () => {
      if (this.waiting.delete(one)) return;
      if (one.end === null) return;
      one.end();
      one.end = null;
      this.next();
    };
  }

  private next(): void {
    for (const one of this.waiting) {
      this.waiting.delete(one);
      if (this.begin(one)) return;
    }
    this.running--;
  }

  /** @returns whether it is under way */
  private begin(one: Waiting): boolean {
    const contents = one.contents();
    if (contents === null) {
      one.done.finished(null);
      return false;
    }
    try {
      one.end = replaceFileLater(this.disk, one.path, contents, {
        renamed: () => one.done.renamed(),
        directoryFailed: (error) => one.done.directoryFailed(error),
        finished: (error) => {
          one.end = null;
          one.done.finished(error);
          this.next();
        },
      });
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      one.done.finished(error);
      return false;
    }
  }
}
