import { asError } from '@odradek/client';
import type { ReferencedSchema, Schema } from '../registry/schema.ts';
import type { PayloadReader, PayloadWriter, SchemaFormat } from '../serde/schema-format.ts';
import { loadAvsc, type AvscType } from './avsc.ts';
import { boundsCheck } from './avro-bounds.ts';
import { bigintLongs } from './bigint-longs.ts';

export interface AvroConversions {
  /** See `AvroOptions`. */
  readonly longs: 'number' | 'bigint';
  readonly logicalTypes: Readonly<Record<string, unknown>>;
}

export class AvroFormat<T> implements SchemaFormat<T, AvscType> {
  readonly type = 'AVRO';
  private readonly conversions: AvroConversions;

  constructor(conversions: AvroConversions) {
    this.conversions = conversions;
  }

  async compile({ text }: Schema, referenced: readonly ReferencedSchema[]): Promise<AvscType> {
    const avsc = await loadAvsc();
    const { longs, logicalTypes } = this.conversions;
    const registry: Record<string, AvscType> = longs === 'bigint' ? { long: bigintLongs(avsc) } : {};
    const compiled = (given: string): AvscType =>
      avsc.Type.forSchema(JSON.parse(given), { registry, logicalTypes });
    for (const each of referenced) compiled(each.text);
    return compiled(text);
  }

  recordName({ name }: AvscType): string | null {
    return name ?? null;
  }

  writer(type: AvscType): PayloadWriter<T> {
    if (type.typeName === 'bytes') return (value) => bare(value);
    return (value) => {
      try {
        return type.toBuffer(value);
      } catch (thrown) {
        throw misfit(type, value) ?? thrown;
      }
    };
  }

  reader(written: AvscType, own: AvscType | null): PayloadReader<T> {
    const target = own ?? written;
    if (written.typeName === 'bytes' && target.typeName === 'bytes')
      return (rest, apart) => Buffer.from(apart ?? rest) as T;
    const resolver = own === null || own.equals(written) ? undefined : resolverOf(own, written);
    const check = boundsCheck(written);
    return (rest, apart) => {
      const payload = apart ?? rest;
      check?.(payload);
      return target.fromBuffer(payload, resolver) as T;
    };
  }
}

function resolverOf(own: AvscType, written: AvscType): object {
  try {
    return own.createResolver(written);
  } catch (thrown) {
    const message = `what is written as ${nameOf(written)} cannot be read as ${nameOf(own)}`;
    throw new TypeError(`${message}: ${asError(thrown).message}`, { cause: thrown });
  }
}

/** Where a whole key or value is of type `bytes`, Java's serializer leaves out the length that Avro puts before them. */
function bare(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  throw new TypeError(`it is ${typeof value}, not bytes`);
}

/** The first place where a value is not what its type says. Says nothing of what stands there. */
function misfit(type: AvscType, value: unknown): TypeError | null {
  const found: TypeError[] = [];
  type.isValid(value, {
    errorHook: (path, given, expected) => {
      const where = path.length === 0 ? 'it' : `its ${path.join('.')}`;
      found.push(new TypeError(`${where} is ${kindOf(given)}, not ${nameOf(expected)}`));
    },
  });
  return found[0] ?? null;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `${typeof value}`;
}

function nameOf({ name, typeName }: AvscType): string {
  if (name !== undefined) return name;
  return typeName.startsWith('union') ? 'of its union' : typeName;
}
