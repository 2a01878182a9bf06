import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DiskError } from '@odradek/core/ports/disk.ts';
import type { Disk } from '@odradek/core/ports/disk.ts';

/** A disk under test with a directory on it that is the test's own. */
export interface DiskUnderTest {
  readonly disk: Disk;
  readonly root: string;
  close(): void;
}

/** What every implementation of the port has to do. */
export function diskContract(name: string, make: () => DiskUnderTest): void {
  describe(`${name} keeps the contract of a disk`, () => {
    const check = (what: string, run: (disk: Disk, root: string) => void | Promise<void>): void => {
      it(what, async () => {
        const { disk, root, close } = make();
        try {
          await run(disk, root);
        } finally {
          close();
        }
      });
    };

    check('appends in order and reads anywhere', (disk, root) => {
      const file = disk.open(`${root}/a`, { create: true });
      file.append([Buffer.from('one'), Buffer.alloc(0), Buffer.from('two')]);
      file.append([Buffer.from('three')]);
      assert.equal(file.sizeBytes(), 11);
      const target = Buffer.alloc(8, 0x2e);
      assert.equal(file.read(target, 1, 5, 3), 5);
      assert.equal(target.toString(), '.twoth..');
      assert.equal(file.read(target, 0, 8, 9), 2);
      assert.equal(file.read(target, 0, 8, 11), 0);
      assert.equal(file.read(target, 0, 8, 100), 0);
      file.close();
    });

    check('reads off the loop, later', async (disk, root) => {
      const file = disk.open(`${root}/a`, { create: true });
      file.append([Buffer.from('onetwothree')]);
      const target = Buffer.alloc(8, 0x2e);
      const read = (length: number, position: number) =>
        new Promise<number>((resolve, reject) => {
          let hasReturned = false;
          file.readLater(target, 1, length, position, (error, bytesRead) => {
            assert.ok(hasReturned);
            if (error === null) resolve(bytesRead);
            else reject(error);
          });
          hasReturned = true;
        });
      assert.equal(await read(5, 3), 5);
      assert.equal(target.toString(), '.twoth..');
      assert.equal(await read(7, 9), 2);
      assert.equal(await read(7, 100), 0);
      file.close();
    });

    check('sets the time of the last change', (disk, root) => {
      const file = disk.open(`${root}/a`, { create: true });
      file.append([Buffer.from('x')]);
      file.setModified(1_234_567_890_123);
      file.close();
      assert.equal(disk.list(root)!.find(({ name }) => name === 'a')!.modifiedMs, 1_234_567_890_123);
    });

    check('appends more buffers at once than one system call takes', (disk, root) => {
      const file = disk.open(`${root}/a`, { create: true });
      const buffers = Array.from({ length: 2500 }, (_, i) => Buffer.from(`${i},`));
      file.append(buffers);
      assert.deepEqual(disk.readFile(`${root}/a`), Buffer.concat(buffers));
      file.close();
    });

    check('keeps large contents over many small and large appends', (disk, root) => {
      const file = disk.open(`${root}/a`, { create: true });
      const expected: Buffer[] = [];
      for (const size of [1, 63, 64, 65, 1000, 65_535, 65_536, 65_537, 200_000, 3]) {
        const piece = Buffer.alloc(size, size % 251);
        expected.push(piece);
        file.append([piece]);
      }
      assert.ok(Buffer.concat(expected).equals(disk.readFile(`${root}/a`)!));
      const middle = Buffer.alloc(100_000);
      assert.equal(file.read(middle, 0, 100_000, 60_000), 100_000);
      assert.ok(Buffer.concat(expected).subarray(60_000, 160_000).equals(middle));
      file.close();
    });

    check('appends at the end when a file is opened again, and by two handles in turn', (disk, root) => {
      const first = disk.open(`${root}/a`, { create: true });
      first.append([Buffer.from('one')]);
      first.close();
      const second = disk.open(`${root}/a`);
      second.append([Buffer.from('two')]);
      assert.equal(disk.readFile(`${root}/a`)!.toString(), 'onetwo');
      second.close();
    });

    check('overwrites in place', (disk, root) => {
      const file = disk.open(`${root}/a`, { create: true });
      file.append([Buffer.from('0123456789')]);
      file.write(Buffer.from('xy'), 3);
      file.append([Buffer.from('!')]);
      assert.equal(disk.readFile(`${root}/a`)!.toString(), '012xy56789!');
      file.close();
    });

    check('cuts, and extends with zeros', (disk, root) => {
      const file = disk.open(`${root}/a`, { create: true });
      file.append([Buffer.from('0123456789')]);
      file.truncate(4);
      assert.equal(file.sizeBytes(), 4);
      file.truncate(6);
      file.append([Buffer.from('ab')]);
      assert.equal(disk.readFile(`${root}/a`)!.toString('latin1'), '0123\0\0ab');
      file.truncate(0);
      assert.equal(disk.readFile(`${root}/a`)!.length, 0);
      file.close();
    });

    check('syncs now and later', async (disk, root) => {
      const file = disk.open(`${root}/a`, { create: true });
      file.append([Buffer.from('x')]);
      file.sync();
      let isLater = false;
      const error = await new Promise((resolve) => {
        file.syncLater((failure) => {
          assert.ok(isLater, 'never before syncLater has returned');
          resolve(failure);
        });
        isLater = true;
      });
      assert.equal(error, null);
      file.close();
      disk.syncDirectory(root);
      const directoryError = await new Promise((resolve) => disk.syncDirectoryLater(root, resolve));
      assert.equal(directoryError, null);
    });

    check('opens only what is there unless told to make it', (disk, root) => {
      assert.throws(() => disk.open(`${root}/a`), isDiskError('ENOENT'));
      assert.throws(() => disk.open(`${root}/no/a`, { create: true }), isDiskError('ENOENT'));
      assert.equal(disk.readFile(`${root}/a`), null);
      assert.equal(disk.list(`${root}/no`), null);
    });

    check('replaces a small file whole', (disk, root) => {
      disk.replaceFile(`${root}/a`, Buffer.from('old contents'));
      disk.replaceFile(`${root}/a`, Buffer.from('new'));
      assert.equal(disk.readFile(`${root}/a`)!.toString(), 'new');
      assert.deepEqual(names(disk, root), ['a']);
    });

    check('lists files and directories with their sizes', (disk, root) => {
      disk.makeDirectory(`${root}/deep/er`);
      disk.makeDirectory(`${root}/deep/er`);
      disk.replaceFile(`${root}/deep/file`, Buffer.from('12345'));
      const entries = disk.list(`${root}/deep`)!.sort((a, b) => a.name.localeCompare(b.name));
      assert.deepEqual(
        entries.map(({ name, isDirectory }) => [name, isDirectory]),
        [
          ['er', true],
          ['file', false],
        ],
      );
      assert.equal(entries[1]!.sizeBytes, 5);
      assert.ok(Number.isInteger(entries[1]!.modifiedMs));
    });

    check('renames files and whole directories, also while they are open', (disk, root) => {
      disk.makeDirectory(`${root}/d`);
      const file = disk.open(`${root}/d/a`, { create: true });
      file.append([Buffer.from('x')]);
      disk.rename(`${root}/d/a`, `${root}/d/b`);
      file.append([Buffer.from('y')]);
      disk.rename(`${root}/d`, `${root}/e`);
      file.append([Buffer.from('z')]);
      assert.equal(disk.readFile(`${root}/e/b`)!.toString(), 'xyz');
      assert.throws(() => disk.rename(`${root}/d`, `${root}/f`), isDiskError('ENOENT'));
      file.close();
    });

    check('renames over a file that is there', (disk, root) => {
      disk.replaceFile(`${root}/a`, Buffer.from('a'));
      disk.replaceFile(`${root}/b`, Buffer.from('b'));
      disk.rename(`${root}/a`, `${root}/b`);
      assert.deepEqual(names(disk, root), ['b']);
      assert.equal(disk.readFile(`${root}/b`)!.toString(), 'a');
    });

    check('removes trees; what is open stays readable, and the name is free at once', (disk, root) => {
      disk.makeDirectory(`${root}/d/e`);
      const file = disk.open(`${root}/d/e/a`, { create: true });
      file.append([Buffer.from('still here')]);
      disk.remove(`${root}/d`);
      assert.deepEqual(names(disk, root), []);
      disk.remove(`${root}/d`);
      disk.makeDirectory(`${root}/d/e`);
      assert.equal(disk.readFile(`${root}/d/e/a`), null);
      const target = Buffer.alloc(10);
      assert.equal(file.read(target, 0, 10, 0), 10);
      assert.equal(target.toString(), 'still here');
      file.close();
    });

    check('says what failed and where', (disk, root) => {
      disk.replaceFile(`${root}/a`, Buffer.from('a'));
      disk.makeDirectory(`${root}/d`);
      assert.throws(() => disk.makeDirectory(`${root}/a/b`), DiskError);
      assert.throws(() => disk.open(`${root}/d`), isDiskError('EISDIR'));
      assert.throws(
        () => disk.open(`${root}/missing`),
        (error) => error instanceof DiskError && error.path === `${root}/missing`,
      );
    });
  });
}

function names(disk: Disk, path: string): string[] {
  return disk
    .list(path)!
    .map(({ name }) => name)
    .sort();
}

function isDiskError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof DiskError && error.code === code;
}
