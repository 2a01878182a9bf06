import type { AvscType } from './avsc.ts';

/**
 * Elements of arrays and maps that take no bytes, of all of a payload: a few bytes can claim any number of them. Those
 * of every other kind are bounded by the payload's size.
 */
const BYTELESS_ELEMENTS_MAX = 100_000;
const VARINT_MAX_BYTES = 10;
const FIXED_SIZES: Readonly<Record<string, number>> = { null: 0, boolean: 1, float: 4, double: 8 };

interface Walk {
  readonly bytes: Buffer;
  at: number;
  bytelessLeft: number;
}
type Step = (walk: Walk) => void;

/**
 * What looks whether a payload ends where its schema does, which `avsc` only asks when it has read all: it would make as
 * many elements as garbage claims there are. Null for schemas without arrays and maps, where it has nothing to make.
 *
 * @returns throws RangeError for what is too short
 */
export function boundsCheck(type: AvscType): ((payload: Buffer) => void) | null {
  const steps = new Steps();
  const step = steps.of(type);
  if (!steps.hasContainers) return null;
  return (bytes) => step({ bytes, at: 0, bytelessLeft: BYTELESS_ELEMENTS_MAX });
}

class Steps {
  hasContainers = false;
  private readonly known = new Map<AvscType, Step>();

  of(type: AvscType): Step {
    const known = this.known.get(type);
    if (known !== undefined) return known;
    // A record may hold itself: then this stands for it until its own is there.
    let made: Step | null = null;
    this.known.set(type, (walk) => made!(walk));
    made = this.make(type);
    this.known.set(type, made);
    return made;
  }

  private make(type: AvscType): Step {
    const [kind = ''] = type.typeName.split(':');
    const fixedSize = kind === 'fixed' ? type.size! : FIXED_SIZES[kind];
    if (fixedSize !== undefined) return (walk) => pass(walk, fixedSize);
    switch (kind) {
      case 'int':
      case 'long':
      case 'abstract':
      case 'enum':
        return readLong;
      case 'string':
      case 'bytes':
        return passBytes;
      case 'record':
      case 'error':
        return inTurn(type.fields!.map((field) => this.of(field.type)));
      case 'array':
        return this.blocks(this.of(type.itemsType!));
      case 'map':
        return this.blocks(inTurn([passBytes, this.of(type.valuesType!)]));
      case 'union':
        return oneOf(type.types!.map((each) => this.of(each)));
      case 'logical':
        return this.of(type.underlyingType!);
      default:
        throw new TypeError(`Avro has no type ${type.typeName}`);
    }
  }

  private blocks(element: Step): Step {
    this.hasContainers = true;
    return (walk) => {
      for (;;) {
        const count = readLong(walk);
        if (count === 0) return;
        // Then its size in bytes follows, which is of use to who skips it.
        if (count < 0) readLong(walk);
        for (let left = Math.abs(count); left > 0; left--) passElement(walk, element);
      }
    };
  }
}

function inTurn(steps: readonly Step[]): Step {
  return (walk) => {
    for (const step of steps) step(walk);
  };
}

function oneOf(steps: readonly Step[]): Step {
  return (walk) => {
    const step = steps[readLong(walk)];
    if (step === undefined) throw new RangeError('it names a branch of a union that there is not');
    step(walk);
  };
}

function passElement(walk: Walk, element: Step): void {
  const before = walk.at;
  element(walk);
  if (walk.at > before || walk.bytelessLeft-- > 0) return;
  throw new RangeError(`it has more than ${BYTELESS_ELEMENTS_MAX} elements that take no bytes`);
}

function pass(walk: Walk, sizeBytes: number): void {
  walk.at += sizeBytes;
  if (walk.at > walk.bytes.length) throw new RangeError('it ends before its schema does');
}

function passBytes(walk: Walk): void {
  const sizeBytes = readLong(walk);
  if (sizeBytes < 0) throw new RangeError('it has a text or bytes of a negative length');
  pass(walk, sizeBytes);
}

/** Beyond 2^53 not exact, which is beyond all bounds anyway. */
function readLong(walk: Walk): number {
  let [value, factor] = [0, 1];
  for (let i = 0; i < VARINT_MAX_BYTES; i++) {
    pass(walk, 1);
    const byte = walk.bytes[walk.at - 1]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    factor *= 128;
  }
  throw new RangeError('it has a number of more than 64 bits');
}
