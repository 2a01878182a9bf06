import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readMessageIndexes, writeMessageIndexes } from '../src/protobuf/message-indexes.ts';
import { markOf, readMark } from '../src/serde/schema-mark.ts';

const GUID = 'd9a8b7c6-0011-4233-8455-66778899aabb';
const GUID_MARK = Buffer.from(`01${GUID.replaceAll('-', '')}`, 'hex');

test('a mark is a zero and the id in four bytes, and what follows it is the payload', () => {
  assert.equal(markOf(258).toString('hex'), '0000000102');
  const marked = readMark(Buffer.from('0000000102aabb', 'hex'), 'value', []);
  assert.deepEqual(marked, { schemaId: 258, rest: Buffer.from('aabb', 'hex'), apart: null });
  for (const id of [-1, 2 ** 31, 0.5]) assert.throws(() => markOf(id), RangeError);
});

test('an id or a GUID in the header of newer clients goes before what the payload begins with', () => {
  const payload = Buffer.from('0000000102', 'hex');
  const header = { key: '__value_schema_id', value: Buffer.concat([GUID_MARK, Buffer.from([0])]) };
  const older = { key: '__value_schema_id', value: markOf(7) };
  assert.deepEqual(readMark(payload, 'value', [older, header]), {
    schemaId: GUID,
    rest: Buffer.from([0]),
    apart: payload,
  });
  assert.equal(readMark(payload, 'value', [older]).schemaId, 7);
  assert.equal(readMark(payload, 'key', [older]).schemaId, 258);
  assert.equal(readMark(payload, 'key', [{ key: '__key_schema_id', value: null }]).schemaId, 258);
  assert.equal(readMark(GUID_MARK, 'key', []).schemaId, GUID);
});

test('what has no mark is refused, without a word about what it is', () => {
  for (const hex of ['', '00', '00000001', '7b2261223a317d', '0100', '00ffffffff', '0200000001']) {
    const read = (): unknown => readMark(Buffer.from(hex, 'hex'), 'value', []);
    assert.throws(read, { name: 'RangeError', message: 'it does not begin with the id of a schema' });
  }
});

test('message indexes are written as other clients do', () => {
  const golden: readonly [readonly number[], string][] = [
    [[0], '00'],
    [[1], '0202'],
    [[0, 0], '040000'],
    [[2, 1], '040402'],
    [[64, 300], '048001d804'],
  ];
  for (const [indexes, hex] of golden) {
    assert.equal(writeMessageIndexes(indexes).toString('hex'), hex);
    const bytes = Buffer.from(`${hex}ff`, 'hex');
    assert.deepEqual(readMessageIndexes(bytes), { indexes: [...indexes], sizeBytes: hex.length / 2 });
  }
  assert.deepEqual(readMessageIndexes(Buffer.from('0200', 'hex')).indexes, [0]);
});

test('all message indexes come back, and no bytes do harm', () => {
  const indexes = fc.array(fc.nat({ max: 2 ** 24 }), { minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(indexes, (given) => {
      assert.deepEqual(readMessageIndexes(writeMessageIndexes(given)).indexes, given);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (given) => {
      try {
        assert.ok(readMessageIndexes(Buffer.from(given)).sizeBytes <= given.length);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});
