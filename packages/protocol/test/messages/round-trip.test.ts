import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';
import { Reader } from '../../src/primitives/reader.ts';
import { Writer } from '../../src/primitives/writer.ts';
import { loadCodecs, versionsOf, type MessageCodec } from './codecs.ts';
import { assertHolds } from './contents.ts';
import { SeededRandom, randomMessage } from './random-message.ts';

const CONTENTS_PER_VERSION = 10;

const codecs = await loadCodecs();

function writtenBy(codec: MessageCodec, message: object, version: number): Buffer {
  const writer = new Writer(16);
  codec.write(writer, message, version);
  return writer.toBuffer();
}

/** Contents of every message and version, other ones in each run of the tests; a failure names its seed. */
function forRandomContents(
  check: (codec: MessageCodec, version: number, message: object, bytes: Buffer) => void,
) {
  const property = fc.property(fc.noShrink(fc.nat()), (seed) => {
    const random = new SeededRandom(seed);
    for (const codec of codecs) {
      for (const version of versionsOf(codec)) {
        const message = randomMessage(codec.schema, version, random, 3);
        check(codec, version, message, writtenBy(codec, message, version));
      }
    }
  });
  fc.assert(property, { numRuns: CONTENTS_PER_VERSION });
}

describe(`${codecs.length} messages in all their versions, random contents`, () => {
  it('are read as they were written', () => {
    forRandomContents((codec, version, message, bytes) => {
      const reader = new Reader(bytes);
      assertHolds(codec.read(reader, version), message, `${codec.name} v${version}`);
      assert.equal(reader.remaining, 0, `${codec.name} v${version}: bytes left over`);
    });
  });

  it('are written as they were read', () => {
    forRandomContents((codec, version, _message, bytes) => {
      const again = writtenBy(codec, codec.read(new Reader(bytes), version), version);
      assert.equal(again.toString('hex'), bytes.toString('hex'), `${codec.name} v${version}`);
    });
  });

  it('cut off at any byte are refused as malformed and nothing else', () => {
    for (const codec of codecs) {
      const random = new SeededRandom(codec.name.length);
      for (const version of versionsOf(codec)) {
        const bytes = writtenBy(codec, randomMessage(codec.schema, version, random, 2), version);
        for (let size = 0; size < bytes.length; size++) {
          const cut = (): object => codec.read(new Reader(bytes, 0, size), version);
          assert.throws(
            cut,
            MalformedBytesError,
            `${codec.name} v${version} cut to ${size} of ${bytes.length}`,
          );
        }
      }
    }
  });
});
