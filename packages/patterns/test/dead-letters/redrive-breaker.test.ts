import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedriveBreaker } from '../../src/dead-letters/redrive-breaker.ts';

const LIMITS = { canaries: 3, settleMs: 100, probeIntervalMs: 10, redeathShareMax: 0.2 };

function closed(): RedriveBreaker {
  const breaker = new RedriveBreaker(LIMITS);
  breaker.probed(true, 0);
  for (let moved = 0; moved < 3; moved++) breaker.noteMoved(0);
  assert.equal(breaker.waitMs(100), 0);
  assert.equal(breaker.state, 'closed');
  return breaker;
}

test('nothing is moved before a probe has succeeded', () => {
  const breaker = new RedriveBreaker(LIMITS);
  assert.ok(breaker.wantsProbe(0));
  assert.ok(breaker.waitMs(0) > 0);
  breaker.probed(false, 0);
  assert.equal(breaker.waitMs(4), 6);
  assert.ok(!breaker.wantsProbe(9));
  assert.ok(breaker.wantsProbe(10));
  breaker.probed(true, 10);
  assert.deepEqual([breaker.state, breaker.waitMs(10)], ['half-open', 0]);
});

test('after the canaries it waits whether they die, and then goes on', () => {
  const breaker = new RedriveBreaker(LIMITS);
  breaker.probed(true, 0);
  for (const atMs of [1, 2, 3]) {
    assert.equal(breaker.waitMs(atMs), 0);
    breaker.noteMoved(atMs);
  }
  assert.equal(breaker.waitMs(3), 100);
  assert.equal(breaker.state, 'half-open');
  assert.equal(breaker.waitMs(103), 0);
  assert.equal(breaker.state, 'closed');
});

test('one canary that dies opens it', () => {
  const breaker = new RedriveBreaker(LIMITS);
  breaker.probed(true, 0);
  breaker.noteMoved(0);
  breaker.noteDied(5);
  assert.equal(breaker.state, 'open');
  assert.ok(!breaker.wantsProbe(14));
  assert.ok(breaker.wantsProbe(15));
});

test('a probe that fails opens it from every state', () => {
  const breaker = closed();
  breaker.probed(false, 200);
  assert.equal(breaker.state, 'open');
  breaker.probed(true, 300);
  breaker.probed(false, 310);
  assert.equal(breaker.state, 'open');
});

test('once too many die again it opens; a few do not matter', () => {
  for (const [every, expected] of [
    [10, 'closed'],
    [4, 'open'],
  ] as const) {
    const breaker = closed();
    for (let moved = 1; moved <= 1_000 && breaker.state === 'closed'; moved++) {
      breaker.noteMoved(moved);
      if (moved % every === 0) breaker.noteDied(moved);
    }
    assert.equal(breaker.state, expected);
  }
});

test('an old success does not outweigh what happens now', () => {
  const breaker = closed();
  for (let moved = 0; moved < 100_000; moved++) breaker.noteMoved(200);
  let deaths = 0;
  for (; breaker.state === 'closed'; deaths++) {
    breaker.noteMoved(200);
    breaker.noteDied(200);
  }
  assert.ok(deaths < 30, `${deaths}`);
});
