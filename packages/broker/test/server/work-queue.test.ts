import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkQueue } from '../../src/server/work-queue.ts';
import { ManualTime } from '../../../core/test/log/log-world.ts';

/** Time that passes by a tenth of a millisecond with each step of a work. */
class World {
  readonly time = new ManualTime();
  readonly queue: WorkQueue;
  readonly over: string[] = [];
  stepsTaken = 0;

  constructor() {
    const clock = { now: () => 0, monotonic: () => this.stepsTaken / 10 };
    this.queue = new WorkQueue(clock, this.time);
  }

  add(name: string, stepCount: number, failsAt = Infinity): void {
    this.queue.add({
      steps: this.steps(stepCount, failsAt),
      done: () => this.over.push(`${name} done`),
      failed: (error) => this.over.push(`${name} failed: ${(error as Error).message}`),
    });
  }

  /** What came of it, or that it is still to come. */
  run(name: string, stepCount: number, mayOvertake: boolean, failsAt = Infinity): unknown {
    const { steps, over } = this;
    const work = function* (world: World): Generator<void, string> {
      yield* steps.call(world, stepCount, failsAt);
      over.push(`${name} done`);
      return `result of ${name}`;
    };
    return this.queue.run(work(this), mayOvertake);
  }

  private *steps(count: number, failsAt: number): Generator<void> {
    for (let i = 0; i < count; i++) {
      if (i === failsAt) throw new Error('no further');
      this.stepsTaken += 1;
      yield;
    }
  }
}

test('a turn of the loop takes a few milliseconds of work, whatever there is', () => {
  const world = new World();
  for (const name of ['one', 'two', 'three']) world.add(name, 500);
  const turns: number[] = [];
  while (world.over.length < 3) {
    const before = world.stepsTaken;
    world.time.step();
    turns.push(world.stepsTaken - before);
  }
  assert.ok(Math.max(...turns) < 50, `${Math.max(...turns)} steps in a turn`);
  assert.equal(world.stepsTaken, 1500);
  assert.deepEqual(world.over, ['one done', 'two done', 'three done']);
});

test('nothing is done before the call that adds it has returned, and nothing after the stop', () => {
  const world = new World();
  world.add('one', 100);
  assert.equal(world.stepsTaken, 0);
  world.time.step();
  const before = world.stepsTaken;
  world.queue.stop();
  world.time.advance(1000);
  assert.deepEqual([world.stepsTaken, world.over], [before, []]);
});

test('a work that fails does not keep the others from theirs', () => {
  const world = new World();
  world.add('one', 10, 5);
  world.add('two', 10);
  world.time.advance(0);
  assert.deepEqual(world.over, ['one failed: no further', 'two done']);
});

test('a work that adds another when it is done', () => {
  const world = new World();
  world.queue.add({
    steps: [][Symbol.iterator](),
    done: () => world.add('next', 3),
    failed: assert.fail,
  });
  world.time.advance(0);
  assert.deepEqual(world.over, ['next done']);
});

test('what a turn is enough for is done at once, all else in turns of the same length', async () => {
  const world = new World();
  assert.equal(world.run('short', 20, false), 'result of short');
  const long = world.run('long', 500, false);
  assert.ok(long instanceof Promise);
  assert.ok(world.stepsTaken < 60, `${world.stepsTaken} steps in the first turn`);
  for (let before = world.stepsTaken; !world.over.includes('long done'); before = world.stepsTaken) {
    world.time.step();
    assert.ok(world.stepsTaken - before <= 32, `${world.stepsTaken - before} steps in a turn`);
  }
  assert.equal(await long, 'result of long');
});

test('works that may not overtake are done in the order of the calls, short ones too', async () => {
  const world = new World();
  const all = [world.run('long', 500, false), world.run('short', 1, false), world.run('third', 500, false)];
  assert.equal(world.run('small talk', 1, true), 'result of small talk');
  world.time.advance(0);
  assert.deepEqual(world.over, ['small talk done', 'long done', 'short done', 'third done']);
  assert.deepEqual(await Promise.all(all), ['result of long', 'result of short', 'result of third']);
});

test('a work that fails says so to who has asked for it', async () => {
  const world = new World();
  assert.throws(() => world.run('at once', 10, false, 5), /no further/);
  const later = world.run('later', 500, false, 400);
  const next = world.run('next', 1, false);
  world.time.advance(0);
  await assert.rejects(later as Promise<unknown>, /no further/);
  assert.equal(await next, 'result of next');
});
