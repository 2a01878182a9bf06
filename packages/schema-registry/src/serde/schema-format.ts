import type { ReferencedSchema, Schema, SchemaType } from '../registry/schema.ts';

/**
 * What is particular to Avro, Protobuf or JSON Schema.
 *
 * @typeParam Compiled a schema as the format's library has it
 */
export interface SchemaFormat<T, Compiled> {
  readonly type: SchemaType;
  /**
   * Loads the library when it is first needed.
   *
   * @param referenced all that the schema refers to, each behind those that it refers to itself
   * @throws MissingPeerError; Error when it is no such schema
   */
  compile(schema: Schema, referenced: readonly ReferencedSchema[]): Promise<Compiled>;
  /** Null when it has none. */
  recordName(compiled: Compiled): string | null;
  /** @returns what writes a payload, and throws for what is no such value */
  writer(compiled: Compiled): PayloadWriter<T>;
  /**
   * @param written the schema of what is read
   * @param own what it shall be read as; null for as it was written
   * @returns what reads a payload
   * @throws Error when what was written by one cannot be read by the other
   */
  reader(written: Compiled, own: Compiled | null): PayloadReader<T>;
}

export type PayloadWriter<T> = (value: T) => Buffer;

/**
 * @param rest what follows the id of the schema
 * @param apart the payload, where the id stood in a header; else it lies in `rest`
 */
export type PayloadReader<T> = (rest: Buffer, apart: Buffer | null) => T;
