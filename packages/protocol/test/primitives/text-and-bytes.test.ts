import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';
import { Reader } from '../../src/primitives/reader.ts';
import { ZERO_UUID, uuidFromBytes, uuidToBytes } from '../../src/primitives/uuid.ts';
import { Writer } from '../../src/primitives/writer.ts';

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer(1);
  write(writer);
  return writer.toBuffer();
}

/** Text as UTF-8 can hold it: without halves of surrogate pairs. */
const text = fc.string({ unit: 'binary', maxLength: 60 }).map((value) => value.toWellFormed());

describe('strings', () => {
  it('survive in all four forms', () => {
    fc.assert(
      fc.property(text, (value) => {
        assert.equal(new Reader(written((writer) => writer.string(value))).string(), value);
        assert.equal(new Reader(written((writer) => writer.nullableString(value))).nullableString(), value);
        assert.equal(new Reader(written((writer) => writer.compactString(value))).compactString(), value);
        const compact = written((writer) => writer.compactNullableString(value));
        assert.equal(new Reader(compact).compactNullableString(), value);
      }),
    );
  });

  it('null survives where it is allowed and is refused where it is not', () => {
    const plain = written((writer) => writer.nullableString(null));
    const compact = written((writer) => writer.compactNullableString(null));
    assert.equal(new Reader(plain).nullableString(), null);
    assert.equal(new Reader(compact).compactNullableString(), null);
    assert.throws(() => new Reader(plain).string(), MalformedBytesError);
    assert.throws(() => new Reader(compact).compactString(), MalformedBytesError);
  });

  it('of more than 32767 bytes are neither written nor read', () => {
    const longest = 'x'.repeat(32767);
    assert.equal(new Reader(written((writer) => writer.compactString(longest))).compactString(), longest);
    for (const form of ['string', 'compactString'] as const) {
      assert.throws(() => written((writer) => writer[form](`${longest}x`)), RangeError);
    }
    const tooLong = written((writer) => {
      writer.unsignedVarint(32769);
      writer.raw(Buffer.alloc(32768));
    });
    assert.throws(() => new Reader(tooLong).compactString(), MalformedBytesError);
  });

  it('with a negative or lying length are refused', () => {
    for (const hex of ['fffe', '8000', '000561', '7fff']) {
      assert.throws(() => new Reader(Buffer.from(hex, 'hex')).nullableString(), MalformedBytesError);
    }
    assert.throws(() => new Reader(Buffer.from('ffffffff0f', 'hex')).compactString(), MalformedBytesError);
  });
});

describe('bytes', () => {
  it('survive in all forms, small and beyond the size from which they are passed by reference', () => {
    for (const size of [0, 1, 4095, 4096, 100_000]) {
      const value = Buffer.alloc(size, 7);
      assert.deepEqual(new Reader(written((writer) => writer.bytes(value))).bytes(), value);
      assert.deepEqual(new Reader(written((writer) => writer.compactBytes(value))).compactBytes(), value);
      assert.deepEqual(new Reader(written((writer) => writer.records(value))).nullableBytes(), value);
      const compact = written((writer) => writer.compactRecords(value));
      assert.deepEqual(new Reader(compact).compactNullableBytes(), value);
    }
  });

  it('null survives', () => {
    assert.equal(new Reader(written((writer) => writer.nullableBytes(null))).nullableBytes(), null);
    assert.equal(new Reader(written((writer) => writer.records(null))).nullableBytes(), null);
    const compact = written((writer) => writer.compactRecords(null));
    assert.equal(new Reader(compact).compactNullableBytes(), null);
  });

  it('are views on the buffer that was read, not copies', () => {
    const frame = written((writer) => writer.bytes(Buffer.from('abc')));
    assert.equal(new Reader(frame).bytes().buffer, frame.buffer);
  });

  it('with a length beyond the frame are refused', () => {
    assert.throws(() => new Reader(Buffer.from('7fffffff00', 'hex')).bytes(), MalformedBytesError);
    assert.throws(() => new Reader(Buffer.from('fffffffe00', 'hex')).nullableBytes(), MalformedBytesError);
  });

  it('a reader never leaves its part of the buffer', () => {
    const reader = new Reader(Buffer.alloc(100), 10, 14);
    assert.equal(reader.int32(), 0);
    assert.throws(() => reader.int8(), MalformedBytesError);
  });
});

describe('counts', () => {
  it('that the remaining bytes cannot hold are refused before anything is allocated', () => {
    const huge = Buffer.from('7fffffff0000', 'hex');
    assert.throws(() => new Reader(huge).arrayLength(1), MalformedBytesError);
    assert.throws(
      () => new Reader(Buffer.from('ffffffff0f', 'hex')).compactArrayLength(1),
      MalformedBytesError,
    );
    assert.throws(
      () => new Reader(Buffer.from('05aabbccdd', 'hex')).compactArrayLength(2),
      MalformedBytesError,
    );
    assert.throws(() => new Reader(Buffer.from('02aabbcc', 'hex')).taggedFieldCount(), MalformedBytesError);
  });

  it('of more than four million elements in one message are refused, in one array or in many', () => {
    const frame = Buffer.alloc(5_000_000);
    frame.writeInt32BE(4_000_001, 0);
    assert.throws(() => new Reader(frame).arrayLength(1), /more than 4000000/);
    frame.writeInt32BE(2_000_000, 0);
    frame.writeInt32BE(2_000_001, 4);
    const reader = new Reader(frame);
    assert.equal(reader.arrayLength(1), 2_000_000);
    assert.throws(() => reader.arrayLength(1), /more than 4000000/);
  });

  it('null is -1 where it is allowed and refused where it is not', () => {
    const plain = written((writer) => writer.arrayLength(-1));
    const compact = written((writer) => writer.compactArrayLength(-1));
    assert.equal(new Reader(plain).nullableArrayLength(1), -1);
    assert.equal(new Reader(compact).compactNullableArrayLength(1), -1);
    assert.throws(() => new Reader(plain).arrayLength(1), MalformedBytesError);
    assert.throws(() => new Reader(compact).compactArrayLength(1), MalformedBytesError);
    assert.throws(
      () => new Reader(Buffer.from('fffffffe', 'hex')).nullableArrayLength(1),
      MalformedBytesError,
    );
  });
});

describe('uuids', () => {
  it('survive', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (array) => {
        const bytes = Buffer.from(array);
        const uuid = uuidFromBytes(bytes, 0);
        assert.equal(uuid, bytes.toString('base64url'));
        assert.deepEqual(uuidToBytes(uuid), bytes);
        assert.deepEqual(
          written((writer) => writer.uuid(uuid)),
          bytes,
        );
      }),
    );
    assert.deepEqual(uuidToBytes(ZERO_UUID), Buffer.alloc(16));
  });

  it('of another form are refused', () => {
    for (const bad of ['', 'AAAA', `${ZERO_UUID}A`, '!!!!!!!!!!!!!!!!!!!!!!', 'AAAAAAAAAAAAAAAAAAAA==']) {
      assert.throws(() => written((writer) => writer.uuid(bad)), RangeError);
    }
  });
});

describe('a writer', () => {
  it('gives the chunks in order, with external records in their place', () => {
    const writer = new Writer(8);
    const external = { external: true, sizeBytes: 5000 } as const;
    const big = Buffer.alloc(4096, 1);
    writer.string('before');
    writer.records(external);
    writer.bytes(big);
    writer.string('after');
    assert.equal(writer.sizeBytes, 8 + 4 + 5000 + 4 + 4096 + 7);
    const chunks = writer.finish();
    assert.deepEqual(
      chunks.map((chunk) => (Buffer.isBuffer(chunk) ? chunk.length : chunk)),
      [12, external, 4, 4096, 7],
    );
    assert.equal(chunks[3], big);
  });

  it('refuses to make one buffer of external records', () => {
    const writer = new Writer();
    writer.records({ external: true, sizeBytes: 1 });
    assert.throws(() => writer.toBuffer(), /no bytes in memory/);
  });

  it('of nothing gives nothing', () => {
    assert.equal(new Writer().toBuffer().length, 0);
  });

  it('keeps what it wrote when it grows', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 8 }), (parts) => {
        const buffers = parts.map((part) => Buffer.from(part));
        const bytes = written((writer) => buffers.forEach((buffer) => writer.raw(buffer)));
        assert.deepEqual(bytes, Buffer.concat(buffers));
      }),
    );
  });
});
