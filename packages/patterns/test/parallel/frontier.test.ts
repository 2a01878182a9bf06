import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Frontier } from '../../src/parallel/frontier.ts';

test('what may be committed is the first offset that is not done, in whatever order they are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(5), { maxLength: 3_000 }),
      fc.array(fc.nat(), { maxLength: 3_000 }),
      (gaps, picks) => {
        const frontier = new Frontier(0);
        let at = 0;
        const open = gaps.map((gap) => frontier.admit((at += gap + 1)));
        for (const pick of picks) {
          if (open.length === 0) break;
          frontier.complete(open.splice(pick % open.length, 1)[0]!);
          const lowest = Math.min(...open.map(({ offset }) => offset), frontier.horizon);
          assert.equal(frontier.committable, lowest);
          assert.equal(frontier.window, frontier.horizon - lowest);
        }
        assert.deepEqual(
          frontier.incomplete(),
          open.map(({ offset }) => offset),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('offsets that never come count as done', () => {
  const frontier = new Frontier(100);
  assert.equal(frontier.committable, 100);
  frontier.passTo(120);
  assert.equal(frontier.committable, 120);
  const entry = frontier.admit(130);
  frontier.passTo(140);
  assert.equal(frontier.committable, 130);
  frontier.complete(entry);
  assert.equal(frontier.committable, 140);
});
