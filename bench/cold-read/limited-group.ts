import { existsSync, mkdirSync, rmdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';

/** Processes that share a bound on their memory, the page cache of what they read and write included (Linux, root). */
export interface LimitedGroup {
  /** A command that runs in the group. */
  command(program: string, args: readonly string[]): { program: string; args: string[] };
  /** Lets the group read no more than so many bytes a second from the disk of `path`. @returns whether that is possible */
  slowReads(path: string, bytesPerSecond: number): boolean;
  /** Bytes of the page cache that the group holds. */
  cacheBytes(): number;
  remove(): Promise<void>;
}

/** @throws Error when this machine has no such groups, or does not let this process make one */
export function limitMemory(name: string, limitBytes: number): LimitedGroup {
  return existsSync(`${ROOT}/memory/memory.limit_in_bytes`)
    ? version1(name, limitBytes)
    : version2(name, limitBytes);
}

function version1(name: string, limitBytes: number): LimitedGroup {
  const memory = `${ROOT}/memory/${name}`;
  const blocks = `${ROOT}/blkio/${name}`;
  mkdirSync(memory);
  writeFileSync(`${memory}/memory.limit_in_bytes`, String(limitBytes));
  const directories = [memory];
  if (existsSync(`${ROOT}/blkio/cgroup.procs`)) {
    mkdirSync(blocks);
    directories.push(blocks);
  }
  return {
    command: (program, args) => inGroups(directories, program, args),
    slowReads: (path, bytesPerSecond) =>
      directories.includes(blocks) &&
      wrote(`${blocks}/blkio.throttle.read_bps_device`, `${diskOf(path)} ${bytesPerSecond}`),
    cacheBytes: () => statistic(`${memory}/memory.stat`, 'total_cache'),
    remove: () => removeAll(directories),
  };
}

function version2(name: string, limitBytes: number): LimitedGroup {
  const directory = `${ROOT}/${name}`;
  wrote(`${ROOT}/cgroup.subtree_control`, '+memory +io');
  mkdirSync(directory);
  writeFileSync(`${directory}/memory.max`, String(limitBytes));
  return {
    command: (program, args) => inGroups([directory], program, args),
    slowReads: (path, bytesPerSecond) =>
      wrote(`${directory}/io.max`, `${diskOf(path)} rbps=${bytesPerSecond}`),
    cacheBytes: () => statistic(`${directory}/memory.stat`, 'file'),
    remove: () => removeAll([directory]),
  };
}

function inGroups(directories: readonly string[], program: string, args: readonly string[]) {
  const joining = directories.map((directory) => `echo $$ > ${directory}/cgroup.procs && `).join('');
  return { program: '/bin/sh', args: ['-c', `${joining}exec "$0" "$@"`, program, ...args] };
}

/** `major:minor` of the disk, not of the partition, that holds the file system of `path`. */
function diskOf(path: string): string {
  const { dev } = statSync(path, { bigint: true });
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  const device = `/sys/dev/block/${major}:${minor}`;
  const disk = existsSync(`${device}/partition`) ? `${device}/../dev` : `${device}/dev`;
  return readFileSync(disk, 'latin1').trim();
}

function wrote(path: string, text: string): boolean {
  try {
    writeFileSync(path, text);
    return true;
  } catch {
    return false;
  }
}

function statistic(path: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(path, 'latin1'))?.[1] ?? 0);
}

/** A group is busy for a moment after its last process has ended. */
async function removeAll(directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    for (let attempt = 0; ; attempt++) {
      try {
        rmdirSync(directory);
        break;
      } catch (error) {
        if (attempt === 50) throw error;
        await sleep(100);
      }
    }
  }
}
