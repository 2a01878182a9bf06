import { type ElementPlan, type FieldPlan, type MessagePlan, type StructPlan } from './plan.ts';
import { intersect, type Range } from './versions.ts';

/**
 * The fewest bytes that an element of an array takes, over those of `versions` that are flexible or are not.
 * A reader refuses a count that the remaining bytes cannot hold by this measure.
 */
export function elementSizeMin(
  message: MessagePlan,
  element: ElementPlan,
  versions: Range,
  flexible: boolean,
): number {
  let least = Infinity;
  for (let version = versions.min; version <= versions.max; version++) {
    if (isFlexible(message, version) === flexible)
      least = Math.min(least, sizeMin(message, element, version));
  }
  return least;
}

function isFlexible(message: MessagePlan, version: number): boolean {
  return message.flexible !== null && version >= message.flexible.min;
}

function sizeMin(message: MessagePlan, element: ElementPlan, version: number): number {
  if (element.kind === 'struct')
    return structSizeMin(message, findStruct(message, element.typeName), version);
  return primitiveSizeMin(element.name, isFlexible(message, version));
}

function structSizeMin(message: MessagePlan, struct: StructPlan, version: number): number {
  const tags = isFlexible(message, version) ? 1 : 0;
  return struct.fields.reduce((sum, field) => sum + fieldSizeMin(message, field, version), tags);
}

function fieldSizeMin(message: MessagePlan, field: FieldPlan, version: number): number {
  const at = { min: version, max: version };
  if (field.tag !== null || intersect(field.versions, at) === null) return 0;
  const flexible = isFlexible(message, version) && field.compact;
  if (field.type.kind === 'array') return flexible ? 1 : 4;
  if (field.type.kind === 'primitive') return primitiveSizeMin(field.type.name, flexible);
  if (field.nullable !== null && intersect(field.nullable, at) !== null) return 1;
  return sizeMin(message, field.type, version);
}

function primitiveSizeMin(type: string, flexible: boolean): number {
  switch (type) {
    case 'bool':
    case 'int8':
      return 1;
    case 'int16':
    case 'uint16':
      return 2;
    case 'int32':
    case 'uint32':
      return 4;
    case 'int64':
    case 'float64':
      return 8;
    case 'uuid':
      return 16;
    case 'string':
      return flexible ? 1 : 2;
    default:
      return flexible ? 1 : 4;
  }
}

export function findStruct(message: MessagePlan, typeName: string): StructPlan {
  const struct = message.structs.find((candidate) => candidate.typeName === typeName);
  if (struct === undefined) throw new Error(`${message.name} has no struct ${typeName}`);
  return struct;
}
