import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { compress } from '../../src/compression/compress.ts';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';
import {
  batchCrcValid,
  batchesOf,
  readBatchHeader,
  setBaseOffset,
  setMaxTimestampAndType,
} from '../../src/records/batch-header.ts';
import {
  decodeLegacyBatch,
  decodeMessageSet,
  encodeMessageSet,
  messageSetBaseOffset,
  messagesOf,
} from '../../src/records/message-set.ts';

const LIMIT = { sizeMaxBytes: 1_000_000 };
const bytes = fc.option(
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
  { nil: null },
);
const messageSet = fc.record({
  magic: fc.constantFrom(0 as const, 1 as const),
  baseOffset: fc.integer({ min: 0, max: 2 ** 52 }),
  compression: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
  records: fc.array(
    fc.record({ key: bytes, value: bytes, timestamp: fc.integer({ min: -1, max: 2 ** 52 }) }),
    { minLength: 1, maxLength: 12 },
  ),
});

test('a message set of every kind comes back', () => {
  fc.assert(
    fc.property(messageSet, (input) => {
      const encoded = encodeMessageSet(input);
      const expected = input.records.map((record, i) => ({
        ...record,
        offset: input.baseOffset + i,
        timestamp: input.magic === 0 ? -1 : record.timestamp,
        headers: [],
      }));
      assert.deepEqual(decodeMessageSet(encoded, 0, encoded.length, LIMIT), expected);
      const headers = [...batchesOf(encoded)];
      assert.equal(headers.length, input.compression === 0 ? input.records.length : 1);
      for (const header of headers) assert.ok(batchCrcValid(encoded, header.position));
      assert.equal(headers.at(-1)!.lastOffset, input.baseOffset + input.records.length - 1);
      assert.equal(messageSetBaseOffset(headers[0]!, 1_000_000), input.baseOffset);
    }),
  );
});

test('damage anywhere gives MalformedBytesError or messages, never anything else', () => {
  fc.assert(
    fc.property(messageSet, fc.nat(), fc.nat({ max: 255 }), (input, where, what) => {
      const encoded = encodeMessageSet(input);
      encoded[where % encoded.length] = what;
      try {
        decodeMessageSet(encoded, 0, encoded.length, { sizeMaxBytes: 5000 });
      } catch (error) {
        assert.ok(error instanceof MalformedBytesError, String((error as Error).stack));
      }
    }),
    { numRuns: 500 },
  );
});

suite('compressed sets', () => {
  const records = [plain('a', 10), plain('b', 30), plain('c', 20)];

  test('pitfall 186: in format v1 offsets inside are relative and the wrapper has the last', () => {
    const encoded = encodeMessageSet({ magic: 1, baseOffset: 100, records, compression: 1 });
    const header = readBatchHeader(encoded, 0);
    assert.equal(header.lastOffset, 102);
    assert.equal(header.maxTimestamp, 30);
    setBaseOffset(encoded, 0, 502);
    assert.deepEqual(offsets(encoded), [500, 501, 502]);
  });

  test('pitfall 186: in format v0 offsets inside are absolute', () => {
    const encoded = encodeMessageSet({ magic: 0, baseOffset: 100, records, compression: 2 });
    setBaseOffset(encoded, 0, 7);
    assert.deepEqual(offsets(encoded), [100, 101, 102]);
  });

  test('pitfall 186: the wrapper decides about timestamps where the log sets them', () => {
    const encoded = encodeMessageSet({ magic: 1, records, compression: 3 });
    assert.deepEqual(timestamps(encoded), [10, 30, 20]);
    setMaxTimestampAndType(readBatchHeader(encoded, 0), 'log-append', 777);
    assert.ok(batchCrcValid(encoded, 0));
    assert.deepEqual(timestamps(encoded), [777, 777, 777]);
  });

  test('pitfall 60: a wrapper with offset 0, as some librdkafka send it, numbers from 0', () => {
    const encoded = encodeMessageSet({ magic: 1, baseOffset: 5, records, compression: 1 });
    setBaseOffset(encoded, 0, 0);
    assert.deepEqual(offsets(encoded), [0, 1, 2]);
  });

  test('a wrapper offset below the last one inside is refused', () => {
    const encoded = encodeMessageSet({ magic: 1, records, compression: 1 });
    setBaseOffset(encoded, 0, 1);
    assert.throws(() => offsets(encoded), /holds offset 2/);
  });

  test('a set inside a set, an empty set and a set without bytes are refused', () => {
    const inner = encodeMessageSet({ magic: 1, records, compression: 1 });
    assert.throws(() => offsets(wrapper(1, compress(1, inner), 1)), /inside a compressed/);
    assert.throws(() => offsets(wrapper(1, compress(1, Buffer.alloc(0)), 1)), /without messages/);
    assert.throws(() => offsets(wrapper(1, null, 1)), /without bytes/);
  });

  test('a partial message at the end of a set is left out', () => {
    const inner = encodeMessageSet({ magic: 1, records });
    const cut = inner.subarray(0, inner.length - 1);
    assert.deepEqual(offsets(wrapper(1, compress(2, cut), 2)).length, 2);
  });

  test('pitfall 185: zstd is neither written nor read', () => {
    assert.throws(() => encodeMessageSet({ magic: 1, records, compression: 4 }), RangeError);
    assert.throws(() => offsets(wrapper(1, compress(4, Buffer.alloc(50)), 4)), /zstd/);
  });

  test('pitfall 180: checksums inside a set are told when asked for', () => {
    const inner = encodeMessageSet({ magic: 0, records });
    inner[inner.length - 1] = inner[inner.length - 1]! ^ 1;
    const header = readBatchHeader(wrapper(0, compress(1, inner), 1), 0);
    const checked = messagesOf(header, 1000, { forValidation: true });
    assert.deepEqual(
      checked.map((message) => message.crcIsValid),
      [true, true, false],
    );
    assert.equal(messagesOf(header, 1000)[2]!.crcIsValid, null);
  });

  test('a bomb is refused at the bound', () => {
    for (const codec of [1, 2, 3] as const) {
      const bomb = wrapper(1, compress(codec, Buffer.alloc(8_000_000)), codec);
      assert.throws(() => decodeLegacyBatch(readBatchHeader(bomb, 0), 100_000), MalformedBytesError);
    }
  });
});

suite('lengths that lie', () => {
  test('keys and values that reach out of the message', () => {
    for (const magic of [0, 1] as const) {
      const encoded = encodeMessageSet({ magic, records: [plain('abc', 1)] });
      const keySizeAt = magic === 0 ? 18 : 26;
      for (const [at, value] of [
        [keySizeAt, 0x7fffffff],
        [keySizeAt, 9],
        [keySizeAt + 5, 4],
      ] as const) {
        const bad = Buffer.from(encoded);
        bad.writeInt32BE(value, at);
        assert.throws(() => offsets(bad), MalformedBytesError);
      }
    }
  });

  test('sizes too small for any message', () => {
    for (const size of [-1, 0, 13]) {
      const bad = encodeMessageSet({ magic: 0, records: [plain('abc', 1)] });
      bad.writeInt32BE(size, 8);
      assert.throws(() => offsets(bad), MalformedBytesError);
    }
  });
});

function plain(text: string, timestamp: number): { key: Buffer; value: Buffer; timestamp: number } {
  return { key: Buffer.from('k'), value: Buffer.from(text), timestamp };
}

/** A message that says that its value is compressed with `codec`. */
function wrapper(magic: 0 | 1, value: Buffer | null, codec: number): Buffer {
  const message = encodeMessageSet({ magic, records: [{ key: null, value, timestamp: 5 }] });
  message[17] = codec;
  return message;
}

function offsets(buffer: Buffer): number[] {
  return decodeMessageSet(buffer, 0, buffer.length, LIMIT).map((record) => record.offset);
}

function timestamps(buffer: Buffer): number[] {
  return decodeMessageSet(buffer, 0, buffer.length, LIMIT).map((record) => record.timestamp);
}
