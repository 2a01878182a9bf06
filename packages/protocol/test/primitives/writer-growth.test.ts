import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reader } from '../../src/primitives/reader.ts';
import { Writer } from '../../src/primitives/writer.ts';

/** Each fixed-size write meets the end of the buffer at every distance. */
test('a value that no longer fits goes into the grown buffer whole', () => {
  const values: [write: (writer: Writer) => void, read: (reader: Reader) => unknown, value: unknown][] = [
    [(w) => w.boolean(true), (r) => r.boolean(), true],
    [(w) => w.int8(-2), (r) => r.int8(), -2],
    [(w) => w.int16(-300), (r) => r.int16(), -300],
    [(w) => w.uint16(40_000), (r) => r.uint16(), 40_000],
    [(w) => w.int32(-70_000), (r) => r.int32(), -70_000],
    [(w) => w.uint32(3_000_000_000), (r) => r.uint32(), 3_000_000_000],
    [(w) => w.int64(-5_000_000_000), (r) => r.int64(), -5_000_000_000],
    [(w) => w.float64(0.25), (r) => r.float64(), 0.25],
    [(w) => w.unsignedVarint(300), (r) => r.unsignedVarint(), 300],
    [(w) => w.varlong(-5_000_000_000), (r) => r.varlong(), -5_000_000_000],
    [(w) => w.string('text'), (r) => r.string(), 'text'],
    [(w) => w.bytes(Buffer.from('bytes')), (r) => r.bytes().toString(), 'bytes'],
  ];
  for (const [write, read, value] of values) {
    for (let filled = 0; filled <= 16; filled++) {
      const writer = new Writer(16);
      for (let i = 0; i < filled; i++) writer.int8(i);
      write(writer);
      const reader = new Reader(writer.toBuffer());
      for (let i = 0; i < filled; i++) assert.equal(reader.int8(), i);
      assert.equal(read(reader), value);
      assert.equal(reader.remaining, 0);
    }
  }
});
