import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Reader } from '../../src/primitives/reader.ts';
import { Writer } from '../../src/primitives/writer.ts';
import { loadCodecs, versionsOf } from './codecs.ts';
import { assertSameContents } from './java-contents.ts';

/** Written by Apache Kafka's own classes: name, version, bytes in hex, contents as JSON. See interop/protocol. */
const VECTORS = new URL('../vectors/messages.txt', import.meta.url);

const vectors = readFileSync(VECTORS, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t') as [name: string, version: string, hex: string, json: string]);
const codecs = new Map((await loadCodecs()).map((codec) => [codec.name, codec]));

describe(`${vectors.length} messages written by Apache Kafka`, () => {
  it('there are some of every message and version', () => {
    const known = new Set(vectors.map(([name, version]) => `${name} ${version}`));
    for (const codec of codecs.values()) {
      for (const version of versionsOf(codec)) assert.ok(known.has(`${codec.name} ${version}`));
    }
  });

  it('have the contents that Kafka says, and are written again as the same bytes', () => {
    for (const [name, version, hex, json] of vectors) {
      const codec = codecs.get(name)!;
      const reader = new Reader(Buffer.from(hex, 'hex'));
      const message = codec.read(reader, Number(version));
      assert.equal(reader.remaining, 0, `${name} v${version}`);
      assertSameContents(message, JSON.parse(json), `${name} v${version}`);
      const writer = new Writer();
      codec.write(writer, message, Number(version));
      assert.equal(writer.toBuffer().toString('hex'), hex, `${name} v${version}`);
    }
  });
});
