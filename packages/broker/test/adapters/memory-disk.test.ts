import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryDisk } from '../../src/adapters/memory-disk.ts';
import { diskContract } from './disk-contract.ts';

diskContract('the disk in memory', () => {
  const disk = new MemoryDisk();
  disk.makeDirectory('/some/where');
  return { disk, root: '/some/where', close() {} };
});

describe('the disk in memory', () => {
  it('stamps files with its clock', () => {
    let now = 1000;
    const disk = new MemoryDisk(() => now);
    disk.makeDirectory('/d');
    const file = disk.open('/d/a', { create: true });
    now = 2000;
    file.append([Buffer.from('x')]);
    assert.equal(disk.list('/d')![0]!.modifiedMs, 2000);
  });

  it('shares nothing with another one', () => {
    const [one, other] = [new MemoryDisk(), new MemoryDisk()];
    one.makeDirectory('/d');
    assert.equal(other.list('/d'), null);
  });
});
