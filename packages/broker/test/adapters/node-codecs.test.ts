import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compress } from '@odradek/protocol/compression/compress.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { nodeCodecs } from '../../src/adapters/node-codecs.ts';

const GZIP = 1;

/** What comes of it, and whether it came before the call returned. */
async function decompressed(input: Buffer, sizeMaxBytes: number) {
  let hasReturned = false;
  return new Promise<{ error: Error | null; output: Buffer; isAtOnce: boolean }>((resolve) => {
    nodeCodecs.decompress(GZIP, input, sizeMaxBytes, (error, output) =>
      resolve({ error, output, isAtOnce: !hasReturned }),
    );
    hasReturned = true;
  });
}

test('small batches are decoded and packed at once, large ones later', async () => {
  for (const [size, isAtOnce] of [
    [20_000, true],
    [200_000, false],
  ] as const) {
    let output: Buffer | null = null;
    const bytes = Buffer.alloc(size, 'abc');
    const done = new Promise<void>((resolve) => {
      nodeCodecs.compress(GZIP, bytes, (_, packed) => {
        output = packed;
        resolve();
      });
    });
    assert.equal(output !== null, isAtOnce);
    await done;
    assert.deepEqual(output, compress(GZIP, bytes));
  }
});

test('a small batch that decodes to very much is decoded later', async () => {
  const little = Buffer.alloc(500_000, 'x');
  const much = Buffer.alloc(5_000_000, 'x');
  assert.deepEqual(await decompressed(compress(GZIP, little), 10_000_000), {
    error: null,
    output: little,
    isAtOnce: true,
  });
  assert.deepEqual(await decompressed(compress(GZIP, much), 10_000_000), {
    error: null,
    output: much,
    isAtOnce: false,
  });
  const { error } = await decompressed(compress(GZIP, much), 1_000_000);
  assert.ok(error instanceof MalformedBytesError);
});
