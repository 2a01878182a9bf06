import type { SeededRandom } from '../messages/random-message.ts';

/** Values at which lengths, counts and varints turn: signs, limits of a byte, of 16, 31 and 32 bits. */
const EDGES = [
  '00',
  '01',
  '7f',
  '80',
  'ff',
  '0000',
  '7fff',
  '8000',
  'ffff',
  '00000000',
  '7fffffff',
  '80000000',
  'ffffffff',
  'fffffffe',
  '8001',
  'ff7f',
  'ffffffff07',
  'ffffffff0f',
  'ffffffffff',
  '8080808080808080808080',
  '00010000',
].map((hex) => Buffer.from(hex, 'hex'));

const KINDS = [overwriteEdge, overwriteEdge, flipBit, flipBit, insert, remove, repeat, cut];

/** Changes a valid frame in one to four places, mostly where lengths and counts stand or might stand. */
export function mutate(frame: Buffer, random: SeededRandom): Buffer {
  let mutated: Buffer = Buffer.from(frame);
  for (let left = 1 + random.below(4); left > 0; left--) mutated = random.pick(KINDS)(mutated, random);
  return mutated;
}

function overwriteEdge(frame: Buffer, random: SeededRandom): Buffer {
  const at = random.below(frame.length + 1);
  random.pick(EDGES).copy(frame, at);
  return frame;
}

function flipBit(frame: Buffer, random: SeededRandom): Buffer {
  if (frame.length > 0) {
    const at = random.below(frame.length);
    frame[at] = frame[at]! ^ (1 << random.below(8));
  }
  return frame;
}

function insert(frame: Buffer, random: SeededRandom): Buffer {
  const at = random.below(frame.length + 1);
  return Buffer.concat([frame.subarray(0, at), random.pick(EDGES), frame.subarray(at)]);
}

function remove(frame: Buffer, random: SeededRandom): Buffer {
  const at = random.below(frame.length + 1);
  return Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1 + random.below(8))]);
}

function repeat(frame: Buffer, random: SeededRandom): Buffer {
  const start = random.below(frame.length + 1);
  const end = start + random.below(64);
  return Buffer.concat([frame.subarray(0, end), frame.subarray(start, end), frame.subarray(end)]);
}

function cut(frame: Buffer, random: SeededRandom): Buffer {
  return frame.subarray(0, random.below(frame.length + 1));
}
