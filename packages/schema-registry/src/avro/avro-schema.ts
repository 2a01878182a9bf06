type PrimitiveName = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

/** A schema of Avro, as JSON has it. */
export type AvroSchema = string | AvroComplexSchema | readonly AvroSchema[];

interface AvroComplexSchema {
  readonly type: string | AvroComplexSchema | readonly AvroSchema[];
  readonly name?: string;
  readonly namespace?: string;
  readonly fields?: readonly AvroField[];
  readonly symbols?: readonly string[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
  readonly size?: number;
  readonly logicalType?: string;
  readonly [attribute: string]: unknown;
}

interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly [attribute: string]: unknown;
}

interface Primitives {
  null: null;
  boolean: boolean;
  int: number;
  long: number;
  float: number;
  double: number;
  bytes: Buffer;
  string: string;
}

/**
 * What values of a schema are, as far as its literal tells; `unknown` where that depends on more: at names of types that are
 * defined elsewhere, and in unions of several types beside null.
 */
export type AvroValue<S> = S extends PrimitiveName
  ? Primitives[S]
  : S extends readonly [infer One, infer Other]
    ? Optional<One, Other>
    : S extends { readonly type: 'record'; readonly fields: infer Fields extends readonly AvroField[] }
      ? { [Field in Fields[number] as Field['name']]: AvroValue<Field['type']> }
      : S extends { readonly type: 'enum'; readonly symbols: infer Symbols extends readonly string[] }
        ? Symbols[number]
        : S extends { readonly type: 'array'; readonly items: infer Items }
          ? AvroValue<Items>[]
          : S extends { readonly type: 'map'; readonly values: infer Values }
            ? Record<string, AvroValue<Values>>
            : S extends { readonly type: 'fixed' }
              ? Buffer
              : S extends { readonly type: infer Inner extends PrimitiveName }
                ? Primitives[Inner]
                : unknown;

type Optional<One, Other> = One extends 'null'
  ? AvroValue<Other> | null
  : Other extends 'null'
    ? AvroValue<One> | null
    : unknown;
