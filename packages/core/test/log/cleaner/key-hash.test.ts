import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyHash } from '../../../src/log/cleaner/key-hash.ts';

const SECRET = Buffer.from(Array.from({ length: 16 }, (_, i) => i));

function digest(hash: KeyHash, bytes: Buffer, start = 0, end = bytes.length): string {
  hash.hash(bytes, start, end);
  const { word0, word1, word2, word3 } = hash;
  const out = Buffer.alloc(16);
  for (const [i, word] of [word0, word1, word2, word3].entries()) out.writeInt32LE(word | 0, i * 4);
  return out.toString('hex');
}

describe('the hash of keys', () => {
  it('is SipHash-2-4 with 128 bits', () => {
    const hash = new KeyHash(SECRET);
    const bytes = Buffer.from(Array.from({ length: 64 }, (_, i) => i));
    // Of the bytes 0, 1, 2 and so on, this many; the secret is 0 to 15.
    const expected = new Map([
      [0, 'a3817f04ba25a8e66df67214c7550293'],
      [1, 'da87c1d86b99af44347659119b22fc45'],
      [3, '9c70b60c5267a94e5f33b6b02985ed51'],
      [4, 'f88164c12d9c8faf7d0f6e7c7bcd5579'],
      [7, 'a1f1ebbed8dbc153c0b84aa61ff08239'],
      [8, '3b62a9ba6258f5610f83e264f31497b4'],
      [15, '5493e99933b0a8117e08ec0f97cfc3d9'],
      [19, '78017731cf65fab074d5208952512eb1'],
    ]);
    for (const [length, text] of expected) assert.equal(digest(hash, bytes, 0, length), text, `${length}`);
  });

  it('looks at the given stretch only', () => {
    const hash = new KeyHash(SECRET);
    const around = Buffer.from('..a key of some length..');
    assert.equal(
      digest(hash, around, 2, around.length - 2),
      digest(hash, Buffer.from('a key of some length')),
    );
  });

  it('is another with another secret', () => {
    const key = Buffer.from('key');
    assert.notEqual(digest(new KeyHash(SECRET), key), digest(new KeyHash(Buffer.alloc(16)), key));
  });
});
