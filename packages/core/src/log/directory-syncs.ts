import type { Disk, DiskError } from '../ports/disk.ts';

type SyncDone = (error: DiskError | null) => void;

/** Syncs of directories off the loop, shared: who asks while one is under way shares the next with all others. */
export class DirectorySyncs {
  private readonly disk: Disk;
  /** Those who wait for the next sync, by the path of a directory that is being synced. */
  private readonly underWay = new Map<string, SyncDone[]>();

  constructor(disk: Disk) {
    this.disk = disk;
  }

  /** @param done called once, later. @throws DiskError when the directory is not there */
  syncLater(path: string, done: SyncDone): void {
    const waiting = this.underWay.get(path);
    if (waiting === undefined) this.start(path, [done]);
    else waiting.push(done);
  }

  private start(path: string, sharing: readonly SyncDone[]): void {
    this.disk.syncDirectoryLater(path, (error) => {
      const waiting = this.underWay.get(path)!;
      this.underWay.delete(path);
      if (waiting.length > 0) this.start(path, waiting);
      for (const done of sharing) done(error);
    });
    this.underWay.set(path, []);
  }
}
