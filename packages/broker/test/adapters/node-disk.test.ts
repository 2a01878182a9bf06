import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { NodeDisk } from '../../src/adapters/node-disk.ts';
import { diskContract } from './disk-contract.ts';

function temporaryDisk(): { disk: NodeDisk; root: string; close(): void } {
  const root = mkdtempSync(join(tmpdir(), 'odradek-disk-'));
  return { disk: new NodeDisk(), root, close: () => rmSync(root, { recursive: true, force: true }) };
}

diskContract('the disk of node', temporaryDisk);

describe('the disk of node', () => {
  it('finds the end anew after a failed append', () => {
    const { disk, root, close } = temporaryDisk();
    try {
      const file = disk.open(`${root}/a`, { create: true });
      file.append([Buffer.from('one')]);
      // Node refuses what is no buffer only after it has begun: the end of the file is unknown then.
      assert.throws(() => file.append([undefined as unknown as Buffer]));
      writeFileSync(`${root}/a`, 'one and more');
      file.append([Buffer.from('!')]);
      assert.equal(disk.readFile(`${root}/a`)!.toString(), 'one and more!');
      file.close();
    } finally {
      close();
    }
  });

  it('reports a full device by its error name', () => {
    const file = new NodeDisk().open('/dev/full');
    try {
      assert.throws(() => file.append([Buffer.from('x')]), { code: 'ENOSPC', path: '/dev/full' });
    } finally {
      file.close();
    }
  });

  it('leaves no temporary file behind', () => {
    const { disk, root, close } = temporaryDisk();
    try {
      disk.replaceFile(`${root}/a`, Buffer.from('x'));
      assert.deepEqual(readdirSync(root), ['a']);
    } finally {
      close();
    }
  });
});
