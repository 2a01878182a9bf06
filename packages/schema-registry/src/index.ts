export { avro, type AvroOptions } from './avro/avro.ts';
export type { AvroSchema, AvroValue } from './avro/avro-schema.ts';
export type { JsonCheck, JsonMismatch, JsonValidator } from './json/ajv.ts';
export { jsonSchema, type JsonSchemaOptions } from './json/json-schema.ts';
export { protobuf, type ProtobufOptions } from './protobuf/protobuf.ts';
export { RegistryError, type RegistryErrorCode } from './registry/registry-error.ts';
export type { RegistryAuth, SchemaRegistryOptions } from './registry/registry-options.ts';
export type {
  ReferencedSchema,
  Schema,
  SchemaReference,
  SchemaType,
  SubjectSchema,
} from './registry/schema.ts';
export { SchemaRegistry, type CompatibilityLevel, type NormalizeOption } from './registry/schema-registry.ts';
export { MissingPeerError } from './serde/peers.ts';
export type { RegistrySerde } from './serde/registry-serde.ts';
export type { RegistrySerdeOptions } from './serde/serde-options.ts';
export type { SubjectContext, SubjectName } from './serde/subject-names.ts';
