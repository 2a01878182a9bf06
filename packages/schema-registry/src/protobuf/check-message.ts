import { nearestName } from '@odradek/client/options.ts';
import { isEnum, isType, type ProtoEnum, type ProtoField, type ProtoType } from './protobufjs.ts';

const INT32 = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const UINT32 = [0n, 2n ** 32n - 1n] as const;
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UINT64 = [0n, 2n ** 64n - 1n] as const;
const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: INT32,
  sint32: INT32,
  sfixed32: INT32,
  uint32: UINT32,
  fixed32: UINT32,
  int64: INT64,
  sint64: INT64,
  sfixed64: INT64,
  uint64: UINT64,
  fixed64: UINT64,
};
const WHOLE_NUMBER = /^-?\d{1,20}$/;

/**
 * Refuses what `protobufjs` would make something else of without a word: text for a number becomes 0, a field whose
 * name has a slip is left out.
 *
 * @param where the value stands, for the message
 * @throws TypeError that says where, and what is expected there; nothing of what stands there
 */
export function checkMessage(type: ProtoType, value: unknown, where = ''): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(where, `a ${type.fullName.slice(1)}`);
  for (const [name, given] of Object.entries(value)) {
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
    if (field === undefined) throw unknownField(type, name);
    // Null and undefined are for what is not set.
    if (given !== null && given !== undefined)
      checkField(field, given, where === '' ? name : `${where}.${name}`);
  }
}

function checkField(field: ProtoField, value: unknown, where: string): void {
  if (field.map) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong(where, 'an object by key');
    for (const [key, each] of Object.entries(value)) checkValue(field, each, `${where}["${key}"]`);
    return;
  }
  if (!field.repeated) return checkValue(field, value, where);
  if (!Array.isArray(value)) throw wrong(where, 'an array');
  for (const [index, each] of value.entries()) checkValue(field, each, `${where}[${index}]`);
}

function checkValue({ type, resolvedType }: ProtoField, value: unknown, where: string): void {
  if (isType(resolvedType)) return checkMessage(resolvedType, value, where);
  if (isEnum(resolvedType)) return checkEnum(resolvedType, value, where);
  const range = RANGES[type];
  if (range !== undefined) return checkWholeNumber(type, range, value, where);
  if (type === 'bytes') {
    if (!(value instanceof Uint8Array)) throw wrong(where, 'bytes');
    return;
  }
  const expected = type === 'string' ? 'string' : type === 'bool' ? 'boolean' : 'number';
  if (typeof value !== expected) throw wrong(where, `a ${expected}`);
}

function checkEnum(type: ProtoEnum, value: unknown, where: string): void {
  const isNumber = typeof value === 'number' && Number.isInteger(value);
  const isName = typeof value === 'string' && Object.hasOwn(type.values, value);
  if (!isNumber && !isName) throw wrong(where, `one of ${Object.keys(type.values).join(', ')}`);
}

function checkWholeNumber(
  type: string,
  [min, max]: readonly [bigint, bigint],
  value: unknown,
  where: string,
): void {
  const isExact = typeof value === 'bigint' || Number.isSafeInteger(value);
  const isWritten = type.endsWith('64') && typeof value === 'string' && WHOLE_NUMBER.test(value);
  if (isExact || isWritten) {
    const exact = BigInt(value as bigint | number | string);
    if (exact >= min && exact <= max) return;
  }
  throw wrong(where, `a whole number of ${type}`);
}

function unknownField(type: ProtoType, name: string): TypeError {
  const nearest = nearestName(name, Object.keys(type.fields));
  const hint = nearest === null ? '' : `: did you mean "${nearest}"?`;
  return new TypeError(`${type.fullName.slice(1)} has no field "${name}"${hint}`);
}

function wrong(where: string, expected: string): TypeError {
  return new TypeError(`${where === '' ? 'it' : `its ${where}`} is not ${expected}`);
}
