import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unmount } from './small-disk.ts';

const PREFIX = 'odradek-cluster-';
/** Our process id, by which what a killed process has left is known as such; kept logs have a suffix more. */
const OF_A_PROCESS = /^odradek-cluster-(\d+)-\w{6}$/;

/** A folder for all processes and disks, after the disks and folders of processes that are dead have been removed. */
export function makeWorldFolder(): string {
  const alive = new Set(readdirSync('/proc'));
  const mounted = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const name of readdirSync(tmpdir())) {
    const pid = OF_A_PROCESS.exec(name)?.[1];
    if (pid === undefined || alive.has(pid)) continue;
    const folder = join(tmpdir(), name);
    for (const disk of mounted.filter((path) => path.startsWith(`${folder}/`))) unmount(disk);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  return mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
}
