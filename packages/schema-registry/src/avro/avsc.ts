import { absent } from '../serde/peers.ts';

/** What we use of the package `avsc`. */
export interface Avsc {
  readonly Type: {
    forSchema(schema: unknown, options: AvscOptions): AvscType;
  };
  readonly types: {
    readonly LongType: { __with(methods: object, noUnpack?: boolean): AvscType };
  };
}

export interface AvscOptions {
  /** Types by their full names; those that are compiled are added. */
  readonly registry: Record<string, AvscType>;
  readonly logicalTypes?: Readonly<Record<string, unknown>>;
}

/** A compiled schema. Which members there are depends on `typeName`. */
export interface AvscType {
  readonly typeName: string;
  readonly name?: string;
  readonly fields?: readonly { readonly name: string; readonly type: AvscType }[];
  readonly itemsType?: AvscType;
  readonly valuesType?: AvscType;
  readonly types?: readonly AvscType[];
  readonly underlyingType?: AvscType;
  readonly size?: number;
  toBuffer(value: unknown): Buffer;
  fromBuffer(bytes: Buffer, resolver?: object): unknown;
  /** Whether values of both have the same bytes. */
  equals(other: AvscType): boolean;
  createResolver(written: AvscType): object;
  isValid(
    value: unknown,
    options: { errorHook: (path: readonly string[], value: unknown, type: AvscType) => void },
  ): boolean;
}

/** @throws MissingPeerError */
export async function loadAvsc(): Promise<Avsc> {
  const loaded = await import('avsc').catch(absent('avsc', 'Avro'));
  return loaded.default as unknown as Avsc;
}
