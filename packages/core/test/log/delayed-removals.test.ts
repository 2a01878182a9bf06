import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DelayedRemovals } from '../../src/log/delayed-removals.ts';
import { ManualTime } from './log-world.ts';

/** Time in which one thing fires at a time. */
class StepTime extends ManualTime {
  private readonly fires: (() => void)[] = [];

  override after(delayMs: number, fire: () => void) {
    return super.after(delayMs, () => this.fires.push(fire));
  }

  /** What is due at `ms` from now, all in one turn of the loop, and nothing that it sets. */
  turn(ms: number): void {
    this.advance(ms);
    for (const fire of this.fires.splice(0)) fire();
  }
}

describe('delayed removals', () => {
  it('come after their delay', () => {
    const time = new ManualTime();
    const removals = new DelayedRemovals(time);
    const removed: string[] = [];
    removals.later(100, () => removed.push('a'));
    removals.later(50, () => removed.push('b'));
    time.advance(49);
    assert.deepEqual(removed, []);
    time.advance(1);
    assert.deepEqual(removed, ['b']);
    time.advance(50);
    assert.deepEqual(removed, ['b', 'a']);
    assert.equal(removals.size, 0);
  });

  it('that are due all at once let others run in between', () => {
    const time = new StepTime();
    const removals = new DelayedRemovals(time);
    let removed = 0;
    for (let i = 0; i < 1000; i++) removals.later(10, () => removed++);
    time.turn(10);
    for (let turns = 0; removals.size > 0; turns++) {
      const before = removed;
      time.turn(0);
      assert.ok(removed - before <= 10 && turns < 200, `${removed - before} in one turn`);
    }
    assert.equal(removed, 1000);
  });

  it('stop with the broker', () => {
    const time = new ManualTime();
    const removals = new DelayedRemovals(time);
    let removed = 0;
    for (let i = 0; i < 30; i++) removals.later(10, () => removed++);
    time.advance(5);
    removals.stop();
    time.advance(100);
    assert.deepEqual([removed, removals.size], [0, 0]);
  });
});
