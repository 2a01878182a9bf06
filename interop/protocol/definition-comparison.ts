import { isDeepStrictEqual } from 'node:util';
import { covers, parseRange, type Range } from '../../scripts/protocol-generator/versions.ts';
import type { Field, FieldType, Message } from '../../packages/protocol/src/schema/notation.ts';
import { counterpart, fieldCounterpart } from './counterparts.ts';
import type { KafkaVersion } from '../../scripts/kafka-jars.ts';

/** A message definition as it stands in Kafka's jars. Numbers are written as numbers or as text there. */
export interface OfficialMessage {
  readonly name: string;
  readonly type: string;
  readonly apiKey?: number;
  readonly validVersions: string;
  readonly flexibleVersions?: string;
  readonly fields: readonly OfficialField[];
  readonly commonStructs?: readonly {
    readonly name: string;
    readonly versions: string;
    readonly fields: readonly OfficialField[];
  }[];
}

interface OfficialField {
  readonly name: string;
  readonly type: string;
  /** Where it is missing, a field exists in the versions in which it is tagged. */
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly tag?: number | string;
  readonly default?: string | number | boolean | null;
  readonly ignorable?: boolean;
  readonly fields?: readonly OfficialField[];
}

/** One field as it is in one version, whichever notation it comes from. */
interface FieldLayout {
  readonly name: string;
  readonly type: string;
  readonly struct: readonly FieldLayout[] | null;
  readonly nullable: boolean;
  readonly tag: number | null;
  readonly compact: boolean;
  readonly default: unknown;
}

const ANY: Range = { min: 0, max: Infinity };

/**
 * Compares what Kafka's definition says of one message, version by version, with our schemas, and returns what
 * differs. Names of structs are ours to choose and are not compared.
 */
export function compareDefinition(
  kafka: KafkaVersion,
  official: OfficialMessage,
  schemas: ReadonlyMap<string, Message>,
  seen: Set<string>,
): string[] {
  const valid = official.validVersions === 'none' ? null : parseRange(official.validVersions, ANY);
  if (valid === null) return [];
  const differences: string[] = [];
  for (let version = valid.min; version <= valid.max; version++) {
    const ours = counterpart(kafka, official.name, version);
    if (ours === null) continue;
    const schema = schemas.get(ours.name);
    const at = `${ours.name} v${ours.version} (Kafka ${kafka})`;
    seen.add(`${ours.name} v${ours.version}`);
    if (schema === undefined) differences.push(`${at}: no schema`);
    else if (!isIn(schema.versions, ours.version)) differences.push(`${at}: not among our versions`);
    else {
      const theirs = officialLayout(official, ours.name, official.fields, version);
      const layout = schemaLayout(schema, schema.fields, ours.version);
      differences.push(
        ...compareLayouts(at, kafka === '4.4' ? layout : withoutNewTags(layout, theirs), theirs),
      );
      if (isFlexible(schema, ours.version) !== isIn(official.flexibleVersions, version)) {
        differences.push(`${at}: flexible in one only`);
      }
      if (kafka === '4.4') differences.push(...compareIgnorable(at, official, schema));
    }
  }
  return differences;
}

/** Fields of a message that keep their value from being lost: which of them are ignorable, by path. */
function compareIgnorable(at: string, official: OfficialMessage, schema: Message): string[] {
  const ours = new Map(schemaIgnorable(schema.fields, ''));
  return [...officialIgnorable(official, official.fields, '')]
    .filter(([path, ignorable]) => ours.get(path) !== ignorable)
    .map(([path, ignorable]) => `${at}${path}: ignorable is ${ours.get(path)}, officially ${ignorable}`);
}

function* schemaIgnorable(fields: readonly Field[], path: string): Generator<[string, boolean]> {
  for (const field of fields) {
    const at = `${path}.${field.name}`;
    yield [at, field.ignorable === true];
    const struct = structFields(field.type);
    if (struct !== null) yield* schemaIgnorable(struct, at);
  }
}

function* officialIgnorable(
  official: OfficialMessage,
  fields: readonly OfficialField[],
  path: string,
): Generator<[string, boolean]> {
  for (const field of fields) {
    if (parseRange(versionsOf(field), parseRange(official.validVersions, ANY)!) === null) continue;
    const at = `${path}.${lowerFirst(field.name)}`;
    yield [at, field.ignorable === true];
    const struct = officialStruct(official, field);
    if (struct !== null) yield* officialIgnorable(official, struct, at);
  }
}

function compareLayouts(at: string, ours: readonly FieldLayout[], theirs: readonly FieldLayout[]): string[] {
  const names = (fields: readonly FieldLayout[]): string => fields.map((field) => field.name).join(' ');
  if (names(ours) !== names(theirs)) return [`${at}: fields ${names(ours)}, officially ${names(theirs)}`];
  return ours.flatMap((field, i) => {
    const { struct: ourStruct, ...ourRest } = field;
    const { struct: theirStruct, ...theirRest } = theirs[i]!;
    const path = `${at}.${field.name}`;
    const differences = compareLayouts(path, ourStruct ?? [], theirStruct ?? []);
    if (!isDeepStrictEqual(ourRest, theirRest)) {
      differences.push(`${path}: ${JSON.stringify(ourRest)}, officially ${JSON.stringify(theirRest)}`);
    }
    return differences;
  });
}

/** Without the tagged fields that a later release added to a version that was there before, as tags allow. */
function withoutNewTags(ours: readonly FieldLayout[], theirs: readonly FieldLayout[]): FieldLayout[] {
  return ours.flatMap((field) => {
    const theirField = theirs.find((candidate) => candidate.name === field.name);
    if (theirField === undefined) return field.tag === null ? [field] : [];
    const struct = field.struct && withoutNewTags(field.struct, theirField.struct ?? []);
    return [{ ...field, struct }];
  });
}

/** Plain fields in their order, then tagged ones by their tags, as the bytes have them. */
function inOrderOfBytes(fields: readonly FieldLayout[]): FieldLayout[] {
  const plain = fields.filter((field) => field.tag === null);
  const tagged = fields.filter((field) => field.tag !== null);
  return [...plain, ...tagged.sort((a, b) => a.tag! - b.tag!)];
}

function schemaLayout(schema: Message, fields: readonly Field[], version: number): FieldLayout[] {
  const present = fields.filter((field) => field.versions === undefined || isIn(field.versions, version));
  const layouts = present.map((field) => {
    const struct = structFields(field.type);
    return {
      name: field.name,
      type: typeText(field.type),
      struct: struct === null ? null : schemaLayout(schema, struct, version),
      nullable: field.nullable === true || isIn(field.nullable, version),
      tag: field.tag ?? null,
      compact: isFlexible(schema, version) && field.compact !== false,
      default: field.default,
    };
  });
  return inOrderOfBytes(layouts);
}

function officialLayout(
  official: OfficialMessage,
  ourName: string,
  fields: readonly OfficialField[],
  version: number,
): FieldLayout[] {
  const present = fields.filter((field) => isIn(versionsOf(field), version));
  const layouts = present.map((field) => {
    const struct = officialStruct(official, field);
    return {
      name: fieldCounterpart(ourName, lowerFirst(field.name)),
      type: struct === null ? field.type : field.type.startsWith('[]') ? '[]struct' : 'struct',
      struct: struct === null ? null : officialLayout(official, ourName, struct, version),
      nullable: isIn(field.nullableVersions, version),
      tag: isIn(field.taggedVersions, version) ? Number(field.tag) : null,
      compact: isIn(field.flexibleVersions ?? official.flexibleVersions, version),
      default: officialDefault(field),
    };
  });
  return inOrderOfBytes(layouts);
}

function versionsOf(field: OfficialField): string {
  const versions = field.versions ?? field.taggedVersions;
  if (versions === undefined) throw new Error(`${field.name} has no versions`);
  return versions;
}

/** Null is only a default as the text 'null'; without quotes Kafka's generator takes it for no default. */
function officialDefault(field: OfficialField): unknown {
  const value = field.default;
  if (value === undefined || value === null) return undefined;
  if (value === 'null') return null;
  if (field.type === 'string') return String(value);
  if (value === '') return undefined;
  return field.type === 'bool' ? String(value) === 'true' : Number(value);
}

function officialStruct(official: OfficialMessage, field: OfficialField): readonly OfficialField[] | null {
  if (field.fields !== undefined) return field.fields;
  const name = field.type.replace('[]', '');
  return official.commonStructs?.find((struct) => struct.name === name)?.fields ?? null;
}

function structFields(type: FieldType): readonly Field[] | null {
  if (typeof type === 'string') return null;
  return type.kind === 'struct' ? type.fields : structFields(type.element);
}

function typeText(type: FieldType): string {
  if (typeof type === 'string') return type;
  return type.kind === 'struct' ? 'struct' : `[]${typeText(type.element)}`;
}

function isFlexible(schema: Message, version: number): boolean {
  return isIn(schema.flexible, version);
}

function isIn(range: string | undefined, version: number): boolean {
  if (range === undefined || range === 'none') return false;
  return covers(parseRange(range, ANY), { min: version, max: version });
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
