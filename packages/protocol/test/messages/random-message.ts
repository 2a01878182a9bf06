import { covers, parseRange, type Range } from '../../../../scripts/protocol-generator/versions.ts';
import type { Field, FieldType, Message } from '../../src/schema/notation.ts';

/** Random numbers that follow from a seed (mulberry32). */
export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 to 2^32 - 1 */
  uint32(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 to limit - 1 */
  below(limit: number): number {
    return this.uint32() % limit;
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

const INT64_EDGES = [
  0,
  1,
  -1,
  2 ** 63,
  -(2 ** 63),
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 53 - 1,
  -(2 ** 53) + 1,
];
const INT32_EDGES = [0, 1, -1, -(2 ** 31), 2 ** 31 - 1, 127, 128, 32767, 65536];
const LETTERS = ['a', 'Z', '0', ' ', '"', '\\', '\n', '\t', 'é', '\u2028', '\ufeff', '中', '😀'];

type Contents = Record<string, unknown>;

/** Random contents of a message in one version, arrays and texts of at most a few `length` elements. */
export function randomMessage(
  message: Message,
  version: number,
  random: SeededRandom,
  length: number,
): Contents {
  const versions = parseRange(message.versions, { min: 0, max: Infinity })!;
  const flexible = message.flexible !== undefined && isIn(message.flexible, version, versions);
  return randomStruct(message.fields, { version, versions, flexible, random, length });
}

interface Context {
  readonly version: number;
  readonly versions: Range;
  readonly flexible: boolean;
  readonly random: SeededRandom;
  readonly length: number;
}

function randomStruct(fields: readonly Field[], context: Context): Contents {
  const { version, versions, random } = context;
  const contents: Contents = {};
  for (const field of fields) {
    if (field.versions !== undefined && !isIn(field.versions, version, versions)) continue;
    if ((field.tag !== undefined || field.default !== undefined) && random.oneIn(2)) continue;
    contents[field.name] =
      isNullable(field, context) && random.oneIn(4) ? null : randomValue(field.type, context);
  }
  if (context.flexible && random.oneIn(4)) contents['unknownTaggedFields'] = randomTags(context);
  return contents;
}

function randomTags({ random, length }: Context): { tag: number; data: Buffer }[] {
  return Array.from({ length: 1 + random.below(2) }, (_, i) => ({
    tag: 1000 * (i + 1) + random.below(999),
    data: randomBytes(random, length),
  }));
}

function randomValue(type: FieldType, context: Context): unknown {
  const { random, length } = context;
  if (typeof type === 'object' && type.kind === 'struct') return randomStruct(type.fields, context);
  if (typeof type === 'object') {
    return Array.from({ length: random.below(length + 1) }, () => randomValue(type.element, context));
  }
  switch (type) {
    case 'bool':
      return random.oneIn(2);
    case 'int8':
      return (randomInt32(random) << 24) >> 24;
    case 'int16':
      return (randomInt32(random) << 16) >> 16;
    case 'uint16':
      return randomInt32(random) & 0xffff;
    case 'int32':
      return randomInt32(random);
    case 'uint32':
      return randomInt32(random) >>> 0;
    case 'int64':
      return randomInt64(random);
    case 'float64':
      return randomInt32(random) / 1024;
    case 'uuid':
      return Buffer.from(Array.from({ length: 16 }, () => random.below(256))).toString('base64url');
    case 'string':
      return randomText(random, length);
    case 'bytes':
    case 'records':
      return randomBytes(random, length);
  }
}

function randomInt32(random: SeededRandom): number {
  return random.oneIn(3) ? random.pick(INT32_EDGES) : (random.uint32() | 0) >> random.below(32);
}

function randomInt64(random: SeededRandom): number {
  if (random.oneIn(3)) return random.pick(INT64_EDGES);
  const magnitude = random.uint32() * 2 ** random.below(21) + (random.uint32() % 2 ** 10);
  return random.oneIn(2) ? magnitude : -magnitude;
}

function randomText(random: SeededRandom, length: number): string {
  const sizeMax = random.oneIn(20) ? 60 : 5;
  const letter = (): string =>
    random.oneIn(4) ? random.pick(LETTERS) : String.fromCodePoint(0x20 + random.below(0x5f));
  return Array.from({ length: random.below(length * sizeMax + 1) }, letter).join('');
}

function randomBytes(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(length * 4 + 1) }, () => random.below(256)));
}

function isNullable(field: Field, { version, versions }: Context): boolean {
  return field.nullable === true || (field.nullable !== undefined && isIn(field.nullable, version, versions));
}

function isIn(range: string, version: number, versions: Range): boolean {
  return covers(parseRange(range, versions), { min: version, max: version });
}
