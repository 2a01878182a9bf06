import { oneOf, type OptionNames } from '@odradek/client/options.ts';
import type { SchemaRegistry } from '../registry/schema-registry.ts';
import { RegistrySerde } from '../serde/registry-serde.ts';
import {
  REGISTRY_SERDE_OPTION_NAMES,
  registrySerdeSettings,
  type RegistrySerdeOptions,
} from '../serde/serde-options.ts';
import { ProtobufFormat } from './protobuf-format.ts';

export interface ProtobufOptions extends RegistrySerdeOptions {
  /**
   * The content of a .proto file, by which it writes, and as which it reads what was written by others. What it imports stands
   * among `references`, under the same paths, or comes from Google with `protobufjs` (as google/protobuf/timestamp.proto).
   * Without it records are read as they were written.
   */
  readonly schema?: string;
  /** Which message of the file it is, with or without its package, where there are several. */
  readonly message?: string;
  /** What 64-bit numbers are when they are read; both are taken to be written, and `number` up to 2^53. Default `bigint`. */
  readonly longs?: 'bigint' | 'string';
}

const OPTION_NAMES: OptionNames<ProtobufOptions> = {
  ...REGISTRY_SERDE_OPTION_NAMES,
  schema: true,
  message: true,
  longs: true,
};

/**
 * Keys or values in Protobuf, by the package `protobufjs`: plain objects with the fields in camel case. Enums are the names of
 * their values. What is not set has its default when it is read, messages null, and the members of a oneof are left out.
 *
 * @typeParam T the message's type, which is believed
 * @throws ClientError BAD_OPTION
 */
export function protobuf<T extends object>(
  registry: SchemaRegistry,
  options: ProtobufOptions = {},
): RegistrySerde<T> {
  const settings = registrySerdeSettings('protobuf', options, OPTION_NAMES);
  const longs = oneOf('longs', options.longs ?? 'bigint', ['bigint', 'string'] as const);
  const format = new ProtobufFormat<T>({ message: options.message ?? null, longs });
  return new RegistrySerde<T>(registry, format, settings, options.schema ?? null);
}
