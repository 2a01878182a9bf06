import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pieces, type Framing } from '../src/framing.ts';

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function allPieces(bytes: Buffer, sizes: number[], framing: Framing, max: number): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const some of pieces(chunked(bytes, sizes), framing, max)) all.push(...some);
  return all;
}

test('pieces are the same however the input is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(0x61, 0x0a, 0x00, 0xff), { maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      fc.constantFrom('newline' as const, 'nul' as const),
      async (bytes, sizes, framing) => {
        const input = Buffer.from(bytes);
        const end = framing === 'newline' ? '\n' : '\0';
        const expected = input.toString('latin1').split(end);
        if (expected.at(-1) === '') expected.pop();
        const found = await allPieces(input, sizes, framing, 100);
        assert.deepEqual(
          found.map((piece) => piece.toString('latin1')),
          expected,
        );
      },
    ),
  );
});

test('a piece of the largest size is taken; one more byte is refused after what came before', async () => {
  for (const sizes of [[1], [3], [100]]) {
    const taken = await allPieces(Buffer.from('aaaa\nbbbb'), sizes, 'newline', 4);
    assert.deepEqual(taken.map(String), ['aaaa', 'bbbb']);
    for (const tooLarge of ['a\nbbbbb\nc', 'a\nbbbbb']) {
      const before: string[] = [];
      await assert.rejects(
        async () => {
          for await (const some of pieces(chunked(Buffer.from(tooLarge), sizes), 'newline', 4)) {
            before.push(...some.map(String));
          }
        },
        { message: 'record 2 of the input is larger than 4 bytes (--max-request-size)' },
      );
      assert.deepEqual(before, ['a']);
    }
  }
});
