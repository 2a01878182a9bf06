import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';
import { Reader } from '../../src/primitives/reader.ts';
import { Writer } from '../../src/primitives/writer.ts';

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer(1);
  write(writer);
  return writer.toBuffer();
}

const safeIntegers = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -70, max: 70 }),
  fc.constantFrom(2 ** 31, -(2 ** 31), 2 ** 31 - 1, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, -(2 ** 32) - 1),
);

describe('64-bit integers', () => {
  it('survive writing and reading within 2^53', () => {
    fc.assert(
      fc.property(safeIntegers, (value) => {
        const bytes = written((writer) => writer.int64(value));
        assert.equal(bytes.readBigInt64BE(), BigInt(value));
        assert.equal(new Reader(bytes).int64(), value);
      }),
    );
  });

  const extremes: [number, bigint][] = [
    [2 ** 63, 2n ** 63n - 1n],
    [Infinity, 2n ** 63n - 1n],
    [-(2 ** 63), -(2n ** 63n)],
    [-(2 ** 64), -(2n ** 63n)],
    [-Infinity, -(2n ** 63n)],
    [2 ** 62, 2n ** 62n],
    [2 ** 63 - 1024, 2n ** 63n - 1024n],
    [-0, 0n],
  ];
  for (const [value, expected] of extremes) {
    it(`${value} is written as ${expected}`, () => {
      assert.equal(written((writer) => writer.int64(value)).readBigInt64BE(), expected);
    });
  }

  it('the extremes survive reading and writing', () => {
    for (const hex of ['7fffffffffffffff', '8000000000000000', 'ffffffffffffffff']) {
      const value = new Reader(Buffer.from(hex, 'hex')).int64();
      assert.equal(written((writer) => writer.int64(value)).toString('hex'), hex);
    }
  });

  it('NaN is refused', () => {
    assert.throws(() => written((writer) => writer.int64(NaN)), RangeError);
  });
});

describe('varints', () => {
  it('unsigned: every 32-bit value survives, in as few bytes as it needs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        const bytes = written((writer) => writer.unsignedVarint(value));
        assert.equal(new Reader(bytes).unsignedVarint(), value);
        assert.equal(bytes.length, Math.max(1, Math.ceil(value.toString(2).length / 7)));
      }),
    );
  });

  it('signed: every 32-bit value survives', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => {
        assert.equal(new Reader(written((writer) => writer.varint(value))).varint(), value);
      }),
    );
  });

  it('long: every value within 2^53 survives', () => {
    fc.assert(
      fc.property(safeIntegers, (value) => {
        assert.equal(new Reader(written((writer) => writer.varlong(value))).varlong(), value);
      }),
    );
  });

  const known: [number, string][] = [
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-64, '7f'],
    [64, '8001'],
    [2 ** 31, '8080808010'],
    [-(2 ** 31) - 1, '8180808010'],
    [2 ** 63, 'feffffffffffffffff01'],
    [-(2 ** 63), 'ffffffffffffffffff01'],
    [-(2 ** 70), 'ffffffffffffffffff01'],
    [2 ** 70, 'feffffffffffffffff01'],
  ];
  for (const [value, hex] of known) {
    it(`long ${value} is ${hex}`, () => {
      const bytes = written((writer) => writer.varlong(value));
      assert.equal(bytes.toString('hex'), hex);
      assert.equal(new Reader(bytes).varlong(), Math.min(Math.max(value, -(2 ** 63)), 2 ** 63));
    });
  }

  it('without end are refused', () => {
    const endless = Buffer.alloc(20, 0x80);
    assert.throws(() => new Reader(endless).unsignedVarint(), MalformedBytesError);
    assert.throws(() => new Reader(endless).varint(), MalformedBytesError);
    assert.throws(() => new Reader(endless).varlong(), MalformedBytesError);
  });

  it('that are cut off are refused', () => {
    const cut = Buffer.alloc(3, 0x80);
    assert.throws(() => new Reader(cut).unsignedVarint(), MalformedBytesError);
    assert.throws(() => new Reader(cut).varlong(), MalformedBytesError);
  });
});

describe('fixed-size numbers', () => {
  it('survive at the ends of their ranges', () => {
    const ends = { int8: [-128, 127], int16: [-32768, 32767], uint16: [0, 65535] } as const;
    for (const [type, values] of Object.entries(ends) as [keyof typeof ends, readonly number[]][]) {
      for (const value of values) {
        assert.equal(new Reader(written((writer) => writer[type](value)))[type](), value);
      }
    }
    for (const value of [-(2 ** 31), 2 ** 31 - 1]) {
      assert.equal(new Reader(written((writer) => writer.int32(value))).int32(), value);
    }
    assert.equal(new Reader(written((writer) => writer.uint32(2 ** 32 - 1))).uint32(), 2 ** 32 - 1);
    assert.equal(new Reader(written((writer) => writer.float64(-1.5e300))).float64(), -1.5e300);
  });

  it('beyond their ranges are refused instead of wrapped', () => {
    assert.throws(() => written((writer) => writer.int8(128)), RangeError);
    assert.throws(() => written((writer) => writer.int16(32768)), RangeError);
    assert.throws(() => written((writer) => writer.uint16(-1)), RangeError);
    assert.throws(() => written((writer) => writer.int32(2 ** 31)), RangeError);
  });
});
