/**
 * The file system as the core sees it: synchronous, paths absolute, errors thrown as DiskError.
 *
 * Durability is that of POSIX: what was appended survives a crash of the process, and a power loss only after
 * `sync` of the file; a created, renamed or removed entry survives a power loss only after `syncDirectory`.
 * Adapters: node:fs, memory, and (for tests) a simulated disk with faults.
 */
export interface Disk {
  /** Opens for reading and appending. `create` makes the file when it is missing, else DiskError ENOENT. */
  open(path: string, options?: { create?: boolean }): DiskFile;
  /** The whole small file, or null when there is none. Not for segments. */
  readFile(path: string): Buffer | null;
  /** Replaces a small file whole: temporary file, sync, rename, directory sync; after a crash old or new. */
  replaceFile(path: string, contents: Buffer): void;
  /** Entries of a directory, unsorted, or null when there is none. */
  list(path: string): DiskEntry[] | null;
  /** Creates the directory and its parents. */
  makeDirectory(path: string): void;
  rename(from: string, to: string): void;
  /** Removes a file or a directory with all it holds. Nothing there is no error. May return before the space is free. */
  remove(path: string): void;
  syncDirectory(path: string): void;
  /** `syncDirectory` off the loop; `done` comes later, with the error if there was one. */
  syncDirectoryLater(path: string, done: (error: DiskError | null) => void): void;
}

export interface DiskEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface DiskFile {
  readonly path: string;
  /** Writes all of the buffers at the end of the file, in order. On failure the end of the file is unknown. */
  append(buffers: readonly Buffer[]): void;
  /** Overwrites in place; for index files only. */
  write(buffer: Buffer, position: number): void;
  /** Reads up to `length` bytes into `target`; fewer only at the end of the file. @returns bytes read */
  read(target: Buffer, targetStart: number, length: number, position: number): number;
  /**
   * `read` off the loop, for what need not be in the page cache; `done` comes later, with the error or the number
   * of bytes read. The file must not be closed before.
   */
  readLater(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void;
  /**
   * `read` of what needs no waiting for the device; missing where the disk cannot tell.
   *
   * @returns bytes read; fewer than `length`, 0 among them, where the device would have to be waited for or the file ends
   */
  readCached?(target: Buffer, targetStart: number, length: number, position: number): number;
  /**
   * Sends what needs no waiting for the device, and never passes through this process; missing where the disk cannot.
   *
   * @param socket its descriptor
   * @returns bytes sent; 0 where the device or the socket would have to be waited for, or the file ends
   */
  sendCached?(socket: number, length: number, position: number): number;
  /** Cuts the file to `sizeBytes`, or extends it with zeros. */
  truncate(sizeBytes: number): void;
  sizeBytes(): number;
  /** Sets the time of the last change, wall-clock ms since 1970, which later changes set anew. */
  setModified(modifiedMs: number): void;
  /** fdatasync now; after a failure the contents count as unknown. */
  sync(): void;
  /** fdatasync off the loop; `done` comes later, with the error if there was one. */
  syncLater(done: (error: DiskError | null) => void): void;
  close(): void;
}

export class DiskError extends Error {
  override readonly name = 'DiskError';
  /** The system's error name: ENOENT, ENOSPC, EIO and so on. */
  readonly code: string;
  readonly path: string;
  /** A sync failed: what was to be synced is unknown, whatever the code says. */
  readonly isSync: boolean;

  constructor(
    code: string,
    path: string,
    message: string,
    options: ErrorOptions & { readonly isSync?: boolean } = {},
  ) {
    super(message, options);
    this.code = code;
    this.path = path;
    this.isSync = options.isSync ?? false;
  }
}
