import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OFFSET_ENCODINGS } from '../../src/parallel/offset-encodings.ts';
import { decodeOffsetMap, encodeOffsetMap, type OffsetMap } from '../../src/parallel/offset-map.ts';

const IDENTITY = 'cluster topic-id 3';

function subset(bits: number, span: number): number[] {
  return Array.from({ length: span }, (_, at) => at).filter((at) => (bits >> at) & 1);
}

test('every encoding gives back every set of numbers below ten', () => {
  for (const { encode, decode, name } of OFFSET_ENCODINGS) {
    for (let span = 0; span <= 10; span++) {
      for (let bits = 0; bits < 2 ** span; bits++) {
        const members = subset(bits, span);
        assert.deepEqual(decode(encode(members, span), span), members, `${name} ${members.join()}`);
      }
    }
  }
});

const maps: fc.Arbitrary<OffsetMap> = fc
  .record({
    base: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER - 20_000_000)),
    gaps: fc.array(
      fc.oneof({ weight: 20, arbitrary: fc.nat(3) }, fc.nat(2_000), {
        weight: 1,
        arbitrary: fc.nat(3_000_000),
      }),
      { maxLength: 300 },
    ),
    beyond: fc.nat(5_000),
  })
  .map(({ base, gaps, beyond }) => {
    const incomplete: number[] = [];
    let at = base;
    for (const gap of gaps) incomplete.push((at += gap + 1));
    return { base, incomplete, horizon: (incomplete.at(-1) ?? base) + 1 + beyond };
  });

test('what is encoded whole is decoded to the same', () => {
  fc.assert(
    fc.property(maps, (map) => {
      const { text, horizon } = encodeOffsetMap(map, IDENTITY, Infinity)!;
      assert.equal(horizon, map.horizon);
      assert.deepEqual(decodeOffsetMap(text, IDENTITY, map.base), map);
    }),
  );
});

test('a map that does not fit says what fits of its beginning, and calls nothing done that is not', () => {
  fc.assert(
    fc.property(maps, fc.integer({ min: 0, max: 400 }), (map, lengthMax) => {
      const encoded = encodeOffsetMap(map, IDENTITY, lengthMax);
      if (encoded === null) return;
      assert.ok(encoded.text.length <= lengthMax);
      const decoded = decodeOffsetMap(encoded.text, IDENTITY, map.base)!;
      assert.ok(decoded.horizon <= map.horizon);
      assert.deepEqual(
        decoded.incomplete,
        map.incomplete.filter((offset) => offset < decoded.horizon),
      );
    }),
  );
});

test('twenty thousand and a poll of offsets always fit what brokers take by default', () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
      let state = seed >>> 0;
      const incomplete: number[] = [1_000_000_000_000];
      for (let at = 1; at < 20_500; at++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        if (state / 2 ** 32 < share) incomplete.push(1_000_000_000_000 + at);
      }
      const map = { base: incomplete[0]!, horizon: incomplete[0]! + 20_500, incomplete };
      const encoded = encodeOffsetMap(map, IDENTITY, 4_096);
      assert.ok(encoded === null ? incomplete.length === 20_500 : encoded.horizon === map.horizon);
    }),
    { numRuns: 30 },
  );
});

test('one stuck record with all else done costs a few bytes', () => {
  const { text } = encodeOffsetMap({ base: 77, horizon: 20_077, incomplete: [77] }, IDENTITY, 4_096)!;
  assert.ok(text.length <= 32, text);
});

test('there is nothing to say where nothing is done ahead', () => {
  assert.equal(encodeOffsetMap({ base: 5, horizon: 8, incomplete: [5, 6, 7] }, IDENTITY, 4_096), null);
  assert.equal(encodeOffsetMap({ base: 5, horizon: 5, incomplete: [] }, IDENTITY, 4_096), null);
});

test('a map of another topic, cluster or partition, or of another offset, is not believed', () => {
  const map = { base: 10, horizon: 20, incomplete: [10, 15] };
  const { text } = encodeOffsetMap(map, IDENTITY, 4_096)!;
  assert.deepEqual(decodeOffsetMap(text, IDENTITY, 10), map);
  assert.equal(decodeOffsetMap(text, 'cluster other-id 3', 10), null);
  assert.equal(decodeOffsetMap(text, IDENTITY, 9), null);
});

test('metadata of others, and damaged metadata, is not believed', () => {
  const text = encodeOffsetMap({ base: 10, horizon: 90, incomplete: [10, 15, 70] }, IDENTITY, 4_096)!.text;
  for (const other of ['', 'written by a tool', '{"lag":3}', 'AgAAAYcd', text.slice(0, -4), `${text}AAAA`]) {
    assert.equal(decodeOffsetMap(other, IDENTITY, 10), null, other);
  }
  const bytes = Buffer.from(text, 'base64');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeOffsetMap(damaged.toString('base64'), IDENTITY, 10), null, `bit ${bit}`);
  }
});

test('bytes that no encoding writes end with an error, never without end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(1_000), (bytes, span) => {
      for (const { decode } of OFFSET_ENCODINGS) {
        try {
          assert.ok(decode(Buffer.from(bytes), span).every((member) => member < span));
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});
