import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CorruptCheckpointError,
  readEpochCheckpoint,
  readOffsetCheckpoint,
  readPartitionMetadata,
  writeEpochCheckpoint,
  writeOffsetCheckpoint,
  writePartitionMetadata,
} from '../../src/log/checkpoints.ts';
import {
  classifyDirectory,
  deletedDirectoryName,
  futureDirectoryName,
  offsetName,
  offsetOfName,
} from '../../src/log/log-files.ts';
import { readMetaProperties, writeMetaProperties } from '../../src/log/meta-properties.ts';
import { LogWorld } from './log-world.ts';

const PATH = '/data/file';

function textOf(world: LogWorld, path = PATH): string {
  return world.disk.readFile(path)!.toString();
}

describe('checkpoint files', () => {
  it('hold offsets by topic and partition, as Kafka writes them', () => {
    const { disk } = new LogWorld();
    const offsets = new Map([
      [
        'a.b_c-d',
        new Map([
          [0, 5],
          [10, 9_007_199_254_740_991],
        ]),
      ],
      ['x', new Map([[3, 0]])],
    ]);
    writeOffsetCheckpoint(disk, PATH, offsets);
    assert.equal(disk.readFile(PATH)!.toString(), '0\n3\na.b_c-d 0 5\na.b_c-d 10 9007199254740991\nx 3 0\n');
    assert.deepEqual(readOffsetCheckpoint(disk, PATH), offsets);
    assert.equal(readOffsetCheckpoint(disk, '/data/none').size, 0);
  });

  it('hold leader epochs', () => {
    const world = new LogWorld();
    writeEpochCheckpoint(world.disk, PATH, [
      { epoch: 0, startOffset: 0 },
      { epoch: 7, startOffset: 120 },
    ]);
    assert.equal(textOf(world), '0\n2\n0 0\n7 120\n');
    assert.equal(readEpochCheckpoint(world.disk, PATH)[1]!.startOffset, 120);
  });

  it('may be empty: a Kafka that died early leaves them so', () => {
    const world = new LogWorld();
    world.disk.replaceFile(PATH, Buffer.alloc(0));
    assert.equal(readOffsetCheckpoint(world.disk, PATH).size, 0);
    assert.deepEqual(readEpochCheckpoint(world.disk, PATH), []);
  });

  it('that are damaged are refused with the file and what is wrong', () => {
    const { disk } = new LogWorld();
    for (const text of [
      '\n',
      '1\n0\n',
      '0\n2\na 0 1\n',
      '0\n1\na 0\n',
      '0\n1\na 0 x\n',
      '0\nx\n',
      '0\n0\na 0 1\n',
    ]) {
      disk.replaceFile(PATH, Buffer.from(text));
      assert.throws(() => readOffsetCheckpoint(disk, PATH), CorruptCheckpointError, JSON.stringify(text));
    }
  });

  it('partition.metadata holds the topic id', () => {
    const world = new LogWorld();
    writePartitionMetadata(world.disk, PATH, 'AAECAwQFBgcICQoLDA0ODw');
    assert.equal(textOf(world), 'version: 0\ntopic_id: AAECAwQFBgcICQoLDA0ODw');
    assert.equal(readPartitionMetadata(world.disk, PATH), 'AAECAwQFBgcICQoLDA0ODw');
    world.disk.replaceFile(PATH, Buffer.from('version: 1\ntopic_id: AAECAwQFBgcICQoLDA0ODw'));
    assert.throws(() => readPartitionMetadata(world.disk, PATH), CorruptCheckpointError);
    assert.equal(readPartitionMetadata(world.disk, '/data/none'), null);
  });

  it('meta.properties names broker and cluster, and keeps what else is in it', () => {
    const world = new LogWorld();
    const text =
      '#\n#Sat Nov 21 14:00:00 UTC 2026\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\nversion=0\nbroker.id=5\ndirectory.id=x\n';
    world.disk.replaceFile('/data/meta.properties', Buffer.from(text));
    const meta = readMetaProperties(world.disk, '/data')!;
    assert.deepEqual(meta, {
      version: 0,
      brokerId: 5,
      clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
      others: { 'directory.id': 'x' },
    });
    writeMetaProperties(world.disk, '/data', meta);
    assert.deepEqual(readMetaProperties(world.disk, '/data'), meta);
    assert.equal(readMetaProperties(world.disk, '/data/none'), null);
    world.disk.replaceFile('/data/meta.properties', Buffer.from('version=2\n'));
    assert.throws(() => readMetaProperties(world.disk, '/data'), CorruptCheckpointError);
  });
});

describe('names of a log', () => {
  it('are 20 digits', () => {
    assert.equal(offsetName(42), '00000000000000000042');
    assert.equal(offsetOfName('00000000000000000042.log', '.log'), 42);
    assert.equal(offsetOfName('00000000000000000042.log.deleted', '.log'), null);
    assert.equal(offsetOfName('42.log', '.log'), null);
  });

  it('tell logs from what waits for removal and from strangers', () => {
    assert.deepEqual(classifyDirectory('my-topic.x_1-12'), {
      kind: 'log',
      topic: 'my-topic.x_1',
      partition: 12,
    });
    assert.deepEqual(classifyDirectory(deletedDirectoryName('t-1', 3, 'a'.repeat(32))), { kind: 'deleted' });
    for (const name of ['plain', 'x-', '-1', 'x-y', `t-1.${'b'.repeat(32)}-stray`, 'lost+found']) {
      assert.deepEqual(classifyDirectory(name), { kind: 'other' }, name);
    }
  });

  it('tell a future log, and of which partition; one whose name would be too long there is not', () => {
    const id = 'b'.repeat(32);
    const name = futureDirectoryName('t-1', 3, id)!;
    assert.equal(name, `t-1-3.${id}-future`);
    assert.deepEqual(classifyDirectory(name), { kind: 'future', topic: 't-1', partition: 3 });
    assert.equal(futureDirectoryName('t'.repeat(213), 1, id)!.length, 255);
    assert.equal(futureDirectoryName('t'.repeat(214), 1, id), null);
  });

  it('of a deleted log fit the file system', () => {
    const name = deletedDirectoryName('t'.repeat(249), 123, 'a'.repeat(32));
    assert.equal(name.length, 255);
    assert.deepEqual(classifyDirectory(name), { kind: 'deleted' });
  });
});
