import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { DEFAULT_LOG_CONFIG } from '../../src/log/log-config.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '../../src/log/log-manager.ts';
import type { LogManagerOptions } from '../../src/log/log-manager.ts';
import { MemoryDisk } from '../../../broker/src/adapters/memory-disk.ts';
import { ManualTime, SILENT, append, codeOf, countingRandom, readAll, valuesOf } from './log-world.ts';
import { WatchedDisk } from './watched-disk.ts';

const TOPIC_ID = 'AAECAwQFBgcICQoLDA0ODw';

class ManagedWorld {
  readonly time = new ManualTime();
  readonly disk = new WatchedDisk(new MemoryDisk(() => this.time.now()));
  config: LogConfig = { ...DEFAULT_LOG_CONFIG, segmentBytes: 300 };

  manager(options: Partial<LogManagerOptions> = {}): LogManager {
    return new LogManager(
      { disk: this.disk, clock: this.time, timers: this.time, random: countingRandom(), log: SILENT },
      { ...DEFAULT_LOG_INTERVALS, directories: ['/data'], configOf: () => this.config, ...options },
    );
  }

  opened(options: Partial<LogManagerOptions> = {}): LogManager {
    const manager = this.manager(options);
    manager.open();
    return manager;
  }

  text(name: string): string | undefined {
    return this.disk.readFile(`/data/${name}`)?.toString();
  }

  names(path = '/data'): string[] {
    return this.disk
      .list(path)!
      .map(({ name }) => name)
      .sort();
  }
}

describe('log manager', () => {
  it('makes logs, and after a clean shutdown opens them again', () => {
    const world = new ManagedWorld();
    const manager = world.opened();
    for (const [topic, partition] of [
      ['a', 0],
      ['a', 1],
      ['b-c', 10],
    ] as const) {
      const log = manager.getOrCreate(topic, partition, TOPIC_ID);
      for (let i = 0; i <= partition; i++) append(log, [`${topic} ${i}`]);
    }
    assert.equal(manager.getOrCreate('a', 0, TOPIC_ID), manager.log('a', 0));
    manager.close();
    assert.equal(world.text('.kafka_cleanshutdown'), '{"version":0,"brokerEpoch":-1}');
    assert.equal(world.text('recovery-point-offset-checkpoint'), '0\n3\na 0 1\na 1 2\nb-c 10 11\n');
    assert.equal(world.text('replication-offset-checkpoint'), '0\n3\na 0 1\na 1 2\nb-c 10 11\n');
    assert.equal(world.text('log-start-offset-checkpoint'), '0\n0\n');
    const again = world.opened();
    assert.equal(world.text('.kafka_cleanshutdown'), undefined, 'not clean any more');
    assert.deepEqual([...again.all()].map(({ topic, partition }) => `${topic}-${partition}`).sort(), [
      'a-0',
      'a-1',
      'b-c-10',
    ]);
    const log = again.log('b-c', 10)!;
    assert.deepEqual([log.logEndOffset, log.highWatermark, log.topicId], [11, 11, TOPIC_ID]);
  });

  it('after a crash recovers from the recovery points, and keeps high watermark and log start', () => {
    const world = new ManagedWorld();
    const manager = world.opened();
    const log = manager.getOrCreate('a', 0, null);
    for (let i = 0; i < 20; i++) append(log, [`value ${i}`]);
    log.advanceLogStartOffset(7);
    manager.checkpointRecoveryPoints();
    manager.checkpointLogStartOffsets();
    manager.checkpointHighWatermarks();
    const again = world.opened().log('a', 0)!;
    assert.deepEqual([again.logStartOffset, again.logEndOffset, again.highWatermark], [7, 20, 20]);
    assert.deepEqual(
      valuesOf(readAll(again, 7)),
      Array.from({ length: 13 }, (_, i) => `value ${i + 7}`),
    );
  });

  it('deletes a log at once for everybody, and its files later; one of the same name knows nothing of it', async () => {
    const world = new ManagedWorld();
    const manager = world.opened();
    const log = manager.getOrCreate('a', 0, null);
    for (let i = 0; i < 5; i++) append(log, ['x'], { producerId: 1, producerEpoch: 0, baseSequence: i });
    const { slice } = log.read(0, { maxBytes: 100, minOneBatch: true, upTo: 'log-end' });
    const bytes = slice!.toBuffer();
    manager.checkpointHighWatermarks();
    manager.delete('a', 0);
    assert.equal(manager.log('a', 0), null);
    assert.ok(slice!.toBuffer().equals(bytes));
    assert.notEqual(
      codeOf(() => append(log, ['y'])),
      0,
    );
    assert.match(
      world.names().find((name) => name.endsWith('-delete'))!,
      /^a-0\.[0-9a-f]{32}-delete$/,
    );
    const next = manager.getOrCreate('a', 0, TOPIC_ID);
    assert.deepEqual([next.logEndOffset, next.highWatermark, next.producerStates().length], [0, 0, 0]);
    // The rename is synced off the loop before the delay begins.
    await turn();
    world.time.advance(60_000);
    assert.ok(!world.names().some((name) => name.endsWith('-delete')));
    assert.ok(slice!.toBuffer().equals(bytes), 'still being sent');
    slice!.release();
    manager.delete('none', 0);
  });

  it('removes at start what waited for removal', () => {
    const world = new ManagedWorld();
    const manager = world.opened();
    append(manager.getOrCreate('a', 0, null), ['x']);
    manager.delete('a', 0);
    manager.close();
    const again = world.opened();
    assert.ok(!world.names().some((name) => name.endsWith('-delete')));
    assert.equal([...again.all()].length, 0);
  });

  it('refuses a log of another topic id; a new topic of the same name puts it aside', () => {
    const world = new ManagedWorld();
    const manager = world.opened();
    append(manager.getOrCreate('a', 0, TOPIC_ID), ['x']);
    const other = 'BBECAwQFBgcICQoLDA0ODw';
    assert.equal(
      codeOf(() => manager.getOrCreate('a', 0, other, false)),
      103,
    );
    const next = manager.getOrCreate('a', 0, other);
    assert.deepEqual([next.topicId, next.logEndOffset], [other, 0]);
    assert.ok(world.names().some((name) => /^a-0\.[0-9a-f]{32}-stray$/.test(name)));
  });

  it('leaves directories alone that are no logs, and files too', () => {
    const world = new ManagedWorld();
    for (const name of ['lost+found', `a-0.${'c'.repeat(32)}-future`])
      world.disk.makeDirectory(`/data/${name}`);
    world.disk.replaceFile('/data/notes', Buffer.from('x'));
    world.disk.replaceFile('/data/cleaner-offset-checkpoint', Buffer.from('0\n1\na 0 5\n'));
    const manager = world.opened();
    manager.close();
    for (const name of ['lost+found', 'notes', 'cleaner-offset-checkpoint'])
      assert.ok(world.names().includes(name));
  });

  it('puts new logs where there are fewest', () => {
    const world = new ManagedWorld();
    const manager = world.opened({ directories: ['/one', '/two'] });
    for (let partition = 0; partition < 6; partition++) manager.getOrCreate('a', partition, null);
    assert.deepEqual(
      manager.byDirectory().map(({ path, logs }) => [path, logs.length]),
      [
        ['/one', 3],
        ['/two', 3],
      ],
    );
    manager.close();
    const again = world.opened({ directories: ['/one', '/two'] });
    assert.equal([...again.all()].length, 6);
  });

  it('refuses to open a partition that lies in two directories', () => {
    const world = new ManagedWorld();
    for (const directory of ['/one', '/two']) {
      const manager = world.opened({ directories: [directory] });
      append(manager.getOrCreate('a', 0, null), ['x']);
      manager.close();
    }
    assert.throws(() => world.opened({ directories: ['/one', '/two'] }), /two data directories/);
  });

  it('applies retention from time to time, with the settings of the moment', () => {
    const world = new ManagedWorld();
    world.config = { ...world.config, retentionMs: -1 };
    const manager = world.opened({ retentionCheckIntervalMs: 1000 });
    const log = manager.getOrCreate('a', 0, null);
    for (let i = 0; i < 20; i++) append(log, [`value ${i}`]);
    manager.start();
    world.time.advance(5000);
    assert.equal(log.logStartOffset, 0);
    world.config = { ...world.config, retentionMs: 100 };
    world.time.advance(1000);
    assert.equal(log.logStartOffset, 0);
    manager.configChanged('a');
    world.time.advance(1000);
    assert.equal(log.logStartOffset, 20);
    manager.close();
  });

  it('writes checkpoints from time to time, and only when something changed', async () => {
    const world = new ManagedWorld();
    const manager = world.opened({ highWatermarkIntervalMs: 100, recoveryPointIntervalMs: 1000 });
    append(manager.getOrCreate('a', 0, null), ['x']);
    const written: string[] = [];
    world.disk.before = (operation, path) => {
      if (operation === 'replace') written.push(path.slice('/data/'.length));
      // Off the loop.
      if (operation === 'rename') written.push(path.slice('/data/'.length, -'.later.tmp'.length));
    };
    manager.start();
    for (let i = 0; i < 10; i++) {
      world.time.advance(95);
      await turn();
    }
    assert.deepEqual(written, ['replication-offset-checkpoint']);
    for (let i = 0; i < 10; i++) {
      world.time.advance(10);
      await turn();
    }
    assert.deepEqual(written.slice(1), ['recovery-point-offset-checkpoint']);
    manager.close();
    world.time.advance(100_000);
    await turn();
    assert.equal(written.filter((name) => name === 'replication-offset-checkpoint').length, 1);
  });

  it('expires producers from time to time', () => {
    const world = new ManagedWorld();
    world.config = { ...world.config, producerIdExpirationMs: 5000 };
    const manager = world.opened({ producerExpirationIntervalMs: 1000 });
    const log = manager.getOrCreate('a', 0, null);
    append(log, ['x'], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
    manager.start();
    world.time.advance(4000);
    assert.equal(log.producerStates().length, 1);
    world.time.advance(2000);
    assert.equal(log.producerStates().length, 0);
    manager.close();
  });

  it('visits more logs than fit one turn', () => {
    const world = new ManagedWorld();
    world.config = { ...world.config, retentionMs: 10 };
    const manager = world.opened();
    for (let partition = 0; partition < 600; partition++)
      append(manager.getOrCreate('a', partition, null), ['x']);
    world.time.advance(1000);
    manager.enforceRetention();
    const started = [...manager.all()].map((log) => log.logStartOffset);
    assert.equal(started.filter((offset) => offset === 1).length, 256);
    world.time.advance(0);
    assert.ok([...manager.all()].every((log) => log.logStartOffset === 1));
  });

  it('does not mark a shutdown clean when a log could not be closed', () => {
    const world = new ManagedWorld();
    const offline: string[] = [];
    const manager = world.opened({ onDirectoryFailed: (path) => offline.push(path) });
    for (const topic of ['a', 'b']) append(manager.getOrCreate(topic, 0, null), ['x']);
    world.disk.failAt(0, (operation, path) => operation === 'sync' && path.includes('/a-0/'));
    manager.close();
    assert.deepEqual(offline, ['/data']);
    assert.equal(world.text('.kafka_cleanshutdown'), undefined);
    world.disk.before = () => {};
    assert.equal(world.opened().log('a', 0)!.logEndOffset, 1);
  });

  it('goes on without checkpoints that are damaged: more is read then', () => {
    const world = new ManagedWorld();
    const manager = world.opened();
    append(manager.getOrCreate('a', 0, null), ['x']);
    manager.close();
    for (const name of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint']) {
      world.disk.replaceFile(`/data/${name}`, Buffer.from('7\n'));
    }
    const log = world.opened().log('a', 0)!;
    assert.deepEqual([log.logEndOffset, log.highWatermark], [1, 0]);
  });
});
