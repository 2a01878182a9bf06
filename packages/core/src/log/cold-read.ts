import type { DiskError } from '../ports/disk.ts';

/** Brought in at a time, from a multiple of it on: what is looked up next tends to lie near. */
export const WINDOW_BYTES = 128 * 1024;

/** A file whose bytes can be had in the page cache. */
export interface ColdFile {
  /** See PooledFile. */
  bringIn(position: number, sizeBytes: number, done: (error: DiskError | null) => void): void;
}

/** A place that a look-up needs and that the page cache is not likely to have. */
export interface ColdPlace {
  readonly file: ColdFile;
  readonly position: number;
  readonly sizeBytes: number;
}

/**
 * Ends a look-up that must not wait for the disk, as a page fault does: when what it needs was brought in, it is done
 * again from its beginning. Look-ups change nothing, so nothing has to be undone.
 */
export class ColdRead extends Error {
  override readonly name = 'ColdRead';
  readonly places: readonly ColdPlace[];

  constructor(places: readonly ColdPlace[]) {
    super(`${places.length} places have to be read from the disk first`);
    this.places = places;
  }

  /** Brings all places into the page cache, off the loop. @param done called once, with the first failure */
  bringIn(done: (error: DiskError | null) => void): void {
    let left = this.places.length;
    let failure: DiskError | null = null;
    const finished = (error: DiskError | null): void => {
      failure ??= error;
      if (--left === 0) done(failure);
    };
    for (const { file, position, sizeBytes } of this.places) file.bringIn(position, sizeBytes, finished);
  }
}

/** Does many look-ups of which each may need something else from the disk, and then says all at once what they need. */
export class ColdPlaces {
  private readonly places: ColdPlace[] = [];

  /** @returns what `lookUp` finds, or null when it needs what is not there. @throws what else it throws */
  collect<T>(lookUp: () => T): T | null {
    try {
      return lookUp();
    } catch (error) {
      if (!(error instanceof ColdRead)) throw error;
      this.places.push(...error.places);
      return null;
    }
  }

  get isEmpty(): boolean {
    return this.places.length === 0;
  }

  /** @throws ColdRead when anything is missing */
  check(): void {
    if (this.places.length > 0) throw new ColdRead(this.places);
  }
}
