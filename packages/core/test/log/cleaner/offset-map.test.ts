import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { BYTES_PER_SLOT, OffsetMap, mapSizeFor } from '../../../src/log/cleaner/offset-map.ts';

const SECRET = Buffer.from('0123456789abcdef');

function put(map: OffsetMap, key: string, offset: number): boolean {
  const bytes = Buffer.from(key);
  return map.put(bytes, 0, bytes.length, offset);
}

function get(map: OffsetMap, key: string): number {
  const bytes = Buffer.from(key);
  return map.get(bytes, 0, bytes.length);
}

describe('the map from key to offset', () => {
  it('holds what a map of the language would', () => {
    const entries = fc.array(fc.tuple(fc.string({ maxLength: 12 }), fc.nat()), { maxLength: 200 });
    fc.assert(
      fc.property(entries, (all) => {
        const map = new OffsetMap(SECRET, mapSizeFor(200, 0.9), 0.9);
        const model = new Map<string, number>();
        for (const [key, offset] of all) {
          assert.ok(put(map, key, offset));
          model.set(key, offset);
        }
        assert.equal(map.size, model.size);
        for (const [key, offset] of model) assert.equal(get(map, key), offset);
        assert.equal(get(map, 'none of them, since it is too long'), -1);
      }),
    );
  });

  it('holds offsets of more than 32 bits, and 0', () => {
    const map = new OffsetMap(SECRET, 1000, 1);
    const offsets = [0, 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 7];
    for (const offset of offsets) {
      put(map, `k${offset}`, offset);
      assert.equal(get(map, `k${offset}`), offset);
    }
  });

  it('takes no new keys beyond its load factor, and new offsets for known ones', () => {
    const map = new OffsetMap(SECRET, 100 * BYTES_PER_SLOT, 0.5);
    let taken = 0;
    while (put(map, `key ${taken}`, taken)) taken++;
    assert.ok(taken >= 47 && taken <= 50, `${taken}`);
    assert.equal(map.utilization, 1);
    assert.ok(put(map, 'key 3', 1000));
    assert.equal(get(map, 'key 3'), 1000);
    assert.equal(get(map, `key ${taken}`), -1);
  });

  it('takes one key however small it is', () => {
    const map = new OffsetMap(SECRET, 1, 0.01);
    assert.ok(put(map, 'a', 5));
    assert.ok(!put(map, 'b', 6));
    assert.equal(get(map, 'b'), -1);
  });

  it('of the size for so many keys takes so many', () => {
    for (const count of [1, 10, 1000]) {
      const map = new OffsetMap(SECRET, mapSizeFor(count, 0.75), 0.75);
      for (let i = 0; i < count; i++) assert.ok(put(map, `${i}`, i), `${i} of ${count}`);
    }
  });
});
