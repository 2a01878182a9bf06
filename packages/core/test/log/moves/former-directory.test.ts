import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CorruptCheckpointError } from '../../../src/log/checkpoints.ts';
import { append, readAll, valuesOf } from '../log-world.ts';
import { A, B, MoveWorld } from './move-world.ts';

/** A log that has moved from A to B, and could not be taken away in A because that failed just then. */
function movedWithoutLeaving(values: readonly string[]): MoveWorld {
  const world = new MoveWorld();
  const log = world.make();
  for (const value of values) append(log, [value]);
  world.disk.before = ({ kind, path }) => (kind === 'rename' && path === `${A}/t-0` ? { code: 'EIO' } : null);
  world.moveTo(B);
  world.settle();
  world.disk.before = () => null;
  assert.deepEqual([world.log.directory, world.names(A)], [`${B}/t-0`, ['t-0']]);
  return world;
}

describe('the directory that a log has left', () => {
  it('fails just then: the next start removes the former log', () => {
    const world = movedWithoutLeaving(['a', 'b']);
    append(world.log, ['c']);
    world.restart();
    assert.deepEqual([world.log.directory, valuesOf(readAll(world.log, 0))], [`${B}/t-0`, ['a', 'b', 'c']]);
    assert.deepEqual([world.names(A), world.names(B)], [['t-0.ID-delete'], ['t-0']]);
  });

  it('fails just then, and the log is cut: the next start does not take the longer one, and keeps it aside', () => {
    const world = movedWithoutLeaving(['a', 'b', 'c']);
    world.log.truncateTo(1);
    world.restart();
    assert.deepEqual([world.log.directory, valuesOf(readAll(world.log, 0))], [`${B}/t-0`, ['a']]);
    assert.deepEqual(world.names(A), ['t-0.ID-stray']);
  });

  it('fails just then; the log moves back later, and again: the last one is the log each time', () => {
    const world = movedWithoutLeaving(['a', 'b', 'c']);
    world.log.truncateTo(2);
    for (const to of [A, B, A]) {
      world.restart();
      world.moveTo(to);
      world.settle();
      const crashed = world.disk.afterProcessCrash();
      world.restart(crashed);
      assert.deepEqual([world.log.directory, valuesOf(readAll(world.log, 0))], [`${to}/t-0`, ['a', 'b']]);
    }
  });

  it('is not told apart by a damaged file: the start is refused, and the file named', () => {
    const world = movedWithoutLeaving(['a']);
    const path = `${B}/t-0/log-generation`;
    const contents = world.disk.readFile(path)!;
    for (let at = 0; at < contents.length; at++) {
      const disk = world.disk.afterProcessCrash();
      const damaged = Buffer.from(contents);
      damaged[at]! ^= 1;
      disk.replaceFile(path, damaged);
      assert.throws(
        () => world.restart(disk),
        (error: Error) => error instanceof CorruptCheckpointError && error.message.startsWith(path),
        `byte ${at}`,
      );
    }
  });
});

describe('the sync of the name that a moved log has', () => {
  it('fails, and the broker stops: the former log, which may be the log again, does not count as closed', () => {
    const found: string[][] = [];
    for (let seed = 0; seed < 30; seed++) {
      const world = new MoveWorld({}, seed);
      append(world.make(), ['a']);
      world.moveTo(B);
      while (world.replaced.length === 0) world.settle(1);
      world.disk.before = ({ kind, path }) =>
        kind === 'sync-directory' && path === B ? { code: 'EIO' } : null;
      // It fails before the stop, or in it.
      if (seed % 2 === 0) world.disk.completeLater();
      world.manager.close();
      world.disk.before = () => null;
      world.restart(world.disk.afterPowerLoss(seed));
      if (world.log.directory !== `${A}/t-0`) continue;
      const values = valuesOf(readAll(world.log, 0));
      found.push(values);
      assert.equal(world.log.latestLeaderEpoch, values.length === 0 ? -1 : 0, `seed ${seed}`);
    }
    assert.ok(found.some((values) => values.length > 0) && found.length < 30, 'both outcomes');
  });

  it('fails: whatever became of that log meanwhile, its directory counts as failed', () => {
    const world = new MoveWorld();
    append(world.make(), ['a']);
    world.moveTo(B);
    while (world.replaced.length === 0) world.settle(1);
    // Its sync is under way.
    world.manager.delete('t', 0);
    world.disk.before = ({ kind, path }) =>
      kind === 'sync-directory' && path === B ? { code: 'EIO' } : null;
    world.disk.completeNextLater();
    world.disk.before = () => null;
    const failed = world.manager.byDirectory().filter(({ hasFailed }) => hasFailed);
    assert.deepEqual(
      failed.map(({ path }) => path),
      [B],
    );
  });
});
