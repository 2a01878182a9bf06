import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateWindow } from '@odradek/core/replication/rate-window.ts';

const WINDOWS = { count: 11, lengthMs: 1_000 };

test('the first window counts as full: one record makes no high rate', () => {
  const rate = new RateWindow(WINDOWS);
  rate.record(500, 10_000);
  assert.equal(rate.perSecond(10_000), 500);
  assert.equal(rate.perSecond(10_999), 500);
  assert.equal(rate.perSecond(12_000), 250);
});

test('the mean goes over all windows that still count, the one that reaches into them too', () => {
  const rate = new RateWindow(WINDOWS);
  for (let second = 0; second < 30; second++) {
    rate.record(100, second * 1_000);
    rate.record(100, second * 1_000 + 900);
  }
  // The last event of second 18 lies eleven seconds back: the windows from 19 on count.
  assert.equal(rate.perSecond(29_900), (11 * 200) / 10.9);
  rate.record(100, 30_000);
  assert.equal(rate.perSecond(30_000), (11 * 200 + 100) / 11, 'twelve windows, the first not over yet');
});

test('what lies back as far as all windows last is forgotten, one window after the other', () => {
  const rate = new RateWindow(WINDOWS);
  rate.record(1_000, 0);
  rate.record(10, 5_000);
  assert.equal(rate.perSecond(10_999), 1_010 / 10.999);
  assert.equal(rate.perSecond(11_000), 10 / 6);
  assert.equal(rate.perSecond(16_000), 0);
  assert.equal(rate.perSecond(1_000_000), 0);
});

test('one window alone works as well', () => {
  const rate = new RateWindow({ count: 1, lengthMs: 100 });
  rate.record(10, 0);
  assert.equal(rate.perSecond(50), 100);
  rate.record(10, 100);
  assert.equal(rate.perSecond(100), 100);
  assert.equal(rate.perSecond(200), 0);
});
