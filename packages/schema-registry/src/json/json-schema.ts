import type { OptionNames } from '@odradek/client/options.ts';
import type { SchemaRegistry } from '../registry/schema-registry.ts';
import { RegistrySerde } from '../serde/registry-serde.ts';
import {
  REGISTRY_SERDE_OPTION_NAMES,
  registrySerdeSettings,
  type RegistrySerdeOptions,
} from '../serde/serde-options.ts';
import type { JsonValidator } from './ajv.ts';
import { JsonSchemaFormat } from './json-schema-format.ts';

export interface JsonSchemaOptions extends RegistrySerdeOptions {
  /**
   * What is written and what is read has to fit it. Without it, what is read has to fit the schema that it was written by.
   */
  readonly schema?: object;
  /**
   * Makes the validator for one schema, as `() => new Ajv(...)`, in place of one for the draft that the schema names: for
   * formats, keywords of one's own, or older drafts.
   */
  readonly validator?: () => JsonValidator;
}

const OPTION_NAMES: OptionNames<JsonSchemaOptions> = {
  ...REGISTRY_SERDE_OPTION_NAMES,
  schema: true,
  validator: true,
};

/**
 * Keys or values in JSON that fit a JSON Schema, by the package `ajv`.
 *
 * @typeParam T what the schema describes, which is believed
 * @throws ClientError BAD_OPTION
 */
export function jsonSchema<T>(registry: SchemaRegistry, options: JsonSchemaOptions = {}): RegistrySerde<T> {
  const settings = registrySerdeSettings('jsonSchema', options, OPTION_NAMES);
  const format = new JsonSchemaFormat<T>(options.validator ?? null);
  const text = options.schema === undefined ? null : JSON.stringify(options.schema);
  return new RegistrySerde<T>(registry, format, settings, text);
}
