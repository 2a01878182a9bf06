import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SIZE_BYTES = 96 * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 1);

/** A file system of its own that can be filled up. */
export class SmallDisk {
  readonly path: string;
  private isRemoved = false;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    run('mount', '-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'none', path);
  }

  /** Nothing more can be written until `free`. */
  fill(): void {
    const file = openSync(this.ballast, 'w');
    try {
      for (let chunk = CHUNK; chunk.length > 0;) {
        try {
          writeSync(file, chunk);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          chunk = chunk.subarray(0, chunk.length >> 1);
        }
      }
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.ballast, { force: true });
  }

  remove(): void {
    if (this.isRemoved) return;
    this.isRemoved = true;
    unmount(this.path);
    rmSync(this.path, { recursive: true, force: true });
  }

  private get ballast(): string {
    return join(this.path, 'ballast');
  }
}

export function unmount(path: string): void {
  run('umount', '--lazy', path);
}

function run(program: string, ...words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
