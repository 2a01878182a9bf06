import { absent } from '../serde/peers.ts';

/** What we use of the package `protobufjs`. */
export interface Protobufjs {
  readonly Root: new () => ProtoRoot;
  /** Only once `loadDescriptors` has been called, as that of enums. */
  readonly Type: { fromDescriptor(message: object, edition: string): ProtoNode };
  readonly Enum: { fromDescriptor(enumeration: object, edition: string): ProtoNode };
  parse(text: string, root: ProtoRoot, options: { readonly keepCase: boolean }): ParsedFile;
  /** Files of Google's that the package brings. */
  readonly common: { get(path: string): { readonly nested: object } | null };
}

export interface ParsedFile {
  readonly package?: string;
  readonly imports?: readonly string[];
  readonly weakImports?: readonly string[];
}

/** A message, enum, package or service. */
export interface ProtoNode {
  readonly name: string;
  readonly fullName: string;
  /** Those in it, in the order of their declaration. */
  readonly nestedArray?: readonly ProtoNode[];
}

export interface ProtoRoot extends ProtoNode {
  addJSON(nested: object): void;
  /** The package of that name, made where there is none. */
  define(packageName: string): ProtoRoot;
  add(node: ProtoNode): void;
  resolveAll(): void;
  lookup(path: string): ProtoNode | null;
  lookupType(path: string): ProtoType;
}

export interface ProtoType extends ProtoNode {
  readonly fieldsArray: readonly ProtoField[];
  readonly fields: Readonly<Record<string, ProtoField>>;
  /** Of the old kind that is a field and a message in one. */
  readonly group?: boolean;
  fromObject(value: object): object;
  toObject(message: object, options: object): object;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
}

export interface ProtoField {
  readonly name: string;
  /** The name of a scalar type, or of what `resolvedType` is. */
  readonly type: string;
  readonly repeated: boolean;
  readonly map: boolean;
  readonly resolvedType: ProtoType | ProtoEnum | null;
}

export interface ProtoEnum extends ProtoNode {
  /** By name. */
  readonly values: Readonly<Record<string, number>>;
}

/** @throws MissingPeerError */
export async function loadProtobufjs(): Promise<Protobufjs> {
  const loaded = await import('protobufjs').catch(absent('protobufjs', 'Protobuf'));
  return loaded.default as unknown as Protobufjs;
}

/** What we use of `protobufjs/ext/descriptor`, beside what it adds to `protobufjs`. */
export interface Descriptors {
  readonly FileDescriptorProto: { decode(bytes: Uint8Array): FileDescriptor };
}

/** A .proto file as compilers have it. */
export interface FileDescriptor {
  readonly package?: string;
  readonly dependency?: readonly string[];
  readonly messageType?: readonly object[];
  readonly enumType?: readonly object[];
  readonly syntax?: string;
}

/** @throws MissingPeerError */
export async function loadDescriptors(): Promise<Descriptors> {
  const loaded = await import('protobufjs/ext/descriptor.js').catch(absent('protobufjs', 'Protobuf'));
  return loaded.default as unknown as Descriptors;
}

export function isType(node: object | null): node is ProtoType {
  return node !== null && 'fieldsArray' in node;
}

export function isEnum(node: object | null): node is ProtoEnum {
  return node !== null && 'values' in node;
}
