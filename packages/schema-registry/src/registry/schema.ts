export const SCHEMA_TYPES = ['AVRO', 'PROTOBUF', 'JSON'] as const;
export type SchemaType = (typeof SCHEMA_TYPES)[number];

/** Another schema that a schema uses. */
export interface SchemaReference {
  /** As the schema names it: an Avro type, the path of a Protobuf import, the URI of a `$ref`. */
  readonly name: string;
  /** Where it is registered, and as which version. */
  readonly subject: string;
  readonly version: number;
}

/** A schema as registries keep it. */
export interface Schema {
  readonly type: SchemaType;
  /** JSON for Avro and JSON Schema, the content of a .proto file for Protobuf. */
  readonly text: string;
  readonly references: readonly SchemaReference[];
}

/** A schema as a version of a subject. */
export interface SubjectSchema extends Schema {
  /** The same wherever the registry has the same schema. */
  readonly id: number;
  readonly subject: string;
  /** From 1 on. */
  readonly version: number;
}

/** A schema under the name by which another one uses it. */
export interface ReferencedSchema extends Schema {
  readonly name: string;
}
