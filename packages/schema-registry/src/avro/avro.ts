import { oneOf, type OptionNames } from '@odradek/client/options.ts';
import type { SchemaRegistry } from '../registry/schema-registry.ts';
import { RegistrySerde } from '../serde/registry-serde.ts';
import {
  REGISTRY_SERDE_OPTION_NAMES,
  registrySerdeSettings,
  type RegistrySerdeOptions,
} from '../serde/serde-options.ts';
import { AvroFormat } from './avro-format.ts';
import type { AvroSchema, AvroValue } from './avro-schema.ts';

export interface AvroOptions extends RegistrySerdeOptions {
  /**
   * By which it writes, and as which it reads what was written by others, by Avro's rules for that: fields that are not
   * there get their defaults, others are left out. Without it records are read as they were written.
   */
  readonly schema?: AvroSchema;
  /**
   * What a `long` is: `number`, where those beyond 2^53 are refused, or `bigint`. Default `number`.
   */
  readonly longs?: 'number' | 'bigint';
  /** By the name of the logical type: classes that extend `types.LogicalType` of `avsc`. Default none. */
  readonly logicalTypes?: Readonly<Record<string, unknown>>;
}

const OPTION_NAMES: OptionNames<AvroOptions> = {
  ...REGISTRY_SERDE_OPTION_NAMES,
  schema: true,
  longs: true,
  logicalTypes: true,
};

/** What is left of the types: a schema's literal does not tell what they make of it. */
type WithoutConversions = Omit<AvroOptions, 'schema' | 'longs' | 'logicalTypes'>;

/**
 * Keys or values in Avro, by the package `avsc`. Their type follows from the schema where its literal tells; else it is given,
 * `avro<Order>(...)`, and believed.
 *
 * @throws ClientError BAD_OPTION
 */
export function avro<const S extends AvroSchema>(
  registry: SchemaRegistry,
  options: { readonly schema: S } & WithoutConversions,
): RegistrySerde<AvroValue<S>>;
export function avro<T>(registry: SchemaRegistry, options?: AvroOptions): RegistrySerde<T>;
export function avro<T>(registry: SchemaRegistry, options: AvroOptions = {}): RegistrySerde<T> {
  const settings = registrySerdeSettings('avro', options, OPTION_NAMES);
  const { schema, logicalTypes = {} } = options;
  const longs = oneOf('longs', options.longs ?? 'number', ['number', 'bigint'] as const);
  const format = new AvroFormat<T>({ longs, logicalTypes });
  return new RegistrySerde<T>(
    registry,
    format,
    settings,
    schema === undefined ? null : JSON.stringify(schema),
  );
}
