/**
 * The notation in which the messages of the protocol are written down, one file per API.
 *
 *     field('transactionalId', 'string', { versions: '3+', nullable: true, default: null })
 *
 * A field has a name, a type and options. Fields stand in the order in which they are written. The type is one
 * of the primitive types, `array(type)`, or `struct(name, fields)`. A range of versions is `'3'`, `'3-5'` or
 * `'3+'`; a field without `versions` exists wherever the message or struct around it exists.
 *
 * What the official definitions say beyond the bytes (entity types, map keys, listeners) has no place here.
 *
 * @see https://kafka.apache.org/protocol.html
 */

export type PrimitiveType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records';

export interface StructType {
  readonly kind: 'struct';
  /** Unique within the message; the generated type is called after the message and the struct. */
  readonly name: string;
  readonly fields: readonly Field[];
}

export interface ArrayType {
  readonly kind: 'array';
  readonly element: PrimitiveType | StructType;
}

export type FieldType = PrimitiveType | ArrayType | StructType;

export type DefaultValue = string | number | boolean | null;

export interface FieldOptions {
  /** Versions of the message that have the field. */
  readonly versions?: string;
  /** `true`, or the versions in which the value may be null. */
  readonly nullable?: true | string;
  /** Number of a tagged field (KIP-482); such a field is tagged in all of its versions. */
  readonly tag?: number;
  /** Value where the field is absent. Without it: zero, false, empty, or a struct of defaults. */
  readonly default?: DefaultValue;
  /** A value for a version without the field is silently left out instead of being refused. */
  readonly ignorable?: true;
  /** Never in the compact form, not even in flexible versions. */
  readonly compact?: false;
}

export interface Field extends FieldOptions {
  readonly name: string;
  readonly type: FieldType;
}

export interface Message {
  readonly name: string;
  readonly versions: string;
  /** Versions with compact types and tagged fields (KIP-482); absent when there are none. */
  readonly flexible?: string;
  /** For keys of coordinator records: the number that stands before the key, as int16. */
  readonly recordType?: number;
  /** May be so long that it is also read, or written, step by step. */
  readonly inSteps?: 'read' | 'written';
  readonly fields: readonly Field[];
}

export interface Api {
  readonly key: number;
  readonly name: string;
  readonly versions: string;
  readonly flexible?: string;
  readonly request: readonly Field[];
  readonly response: readonly Field[];
  /** A broker reads this request, or writes this response, step by step: it may hold all partitions of a cluster. */
  readonly inSteps?: 'request' | 'response';
}

/** The largest 64-bit integer as the nearest number; it is written as the largest. */
export const INT64_MAX = 2 ** 63;

export function field(name: string, type: FieldType, options: FieldOptions = {}): Field {
  return { name, type, ...options };
}

export function array(element: PrimitiveType | StructType): ArrayType {
  return { kind: 'array', element };
}

export function struct(name: string, fields: readonly Field[]): StructType {
  return { kind: 'struct', name, fields };
}

/** A message that is not a request or response: a header, a record, something inside another message. */
export function message(name: string, rest: Omit<Message, 'name'>): Message {
  return { name, ...rest };
}

export function api(key: number, name: string, rest: Omit<Api, 'key' | 'name'>): Api {
  return { key, name, ...rest };
}
