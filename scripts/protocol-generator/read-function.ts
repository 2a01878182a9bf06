import { localName } from './names.ts';
import { elementSizeMin } from './element-size.ts';
import {
  flexibility,
  isLong,
  type ElementPlan,
  type FieldPlan,
  type MessagePlan,
  type StructPlan,
} from './plan.ts';
import { defaultExpression, readType } from './types.ts';
import { intersect, versionCondition, type Range } from './versions.ts';

/** Elements of an array between two steps. */
export const ELEMENTS_PER_STEP = 64;

/**
 * The function that reads a struct in every version.
 * @param inSteps as a generator, which the messages that may be long have beside the plain function
 */
export function readFunction(
  message: MessagePlan,
  struct: StructPlan,
  exported: boolean,
  inSteps = false,
): string {
  const plain = struct.fields.filter((field) => field.tag === null);
  const tagged = struct.fields.filter((field) => field.tag !== null);
  const flexible = flexibility(message, struct.versions);
  const lines = plain.map((field) => readField(message, struct, field, inSteps));
  lines.push(
    ...tagged.map(
      (field) => `let ${localName(field.name)}: ${readType(field)} = ${defaultExpression(field)};`,
    ),
  );
  lines.push(readTags(message, struct, tagged, flexible));
  lines.push(`const message: ${struct.typeName} = {`, ...struct.fields.map(property), '};');
  if (flexible !== 'never') {
    lines.push('if (unknownTaggedFields !== undefined) message.unknownTaggedFields = unknownTaggedFields;');
  }
  const body = lines.join('\n');
  const usesVersion =
    /\bversion\b/.test(body.replaceAll(/\bversion: versionValue\b/g, '')) || flexible === 'mixed';
  const { typeName } = struct;
  const [head, result] = inSteps
    ? [`function* read${typeName}InSteps`, `Generator<void, ${typeName}>`]
    : [`function read${typeName}`, typeName];
  return [
    `${exported ? 'export ' : ''}${head}(reader: Reader, ${usesVersion ? '' : '_'}version: number): ${result} {`,
    flexible === 'mixed' ? `const flexible = version >= ${message.flexible!.min};` : '',
    body,
    'return message;',
    '}',
    '',
  ].join('\n');
}

function property(field: FieldPlan): string {
  const local = localName(field.name);
  return local === field.name ? `${field.name},` : `${field.name}: ${local},`;
}

function readField(message: MessagePlan, struct: StructPlan, field: FieldPlan, inSteps: boolean): string {
  const local = localName(field.name);
  const condition = versionCondition(field.versions, struct.versions);
  if (field.type.kind === 'array') {
    const read = readArray(message, field, field.type.element, field.versions, inSteps);
    return [
      `${field.nullable === null ? 'const' : 'let'} ${local}: ${readType(field)} = ${field.nullable === null ? '[]' : initialArray(field, condition)};`,
      condition === null ? read : `if (${condition}) {\n${read}\n}`,
    ].join('\n');
  }
  const value = valueExpression(message, field, field.versions);
  if (condition === null) return `const ${local} = ${value};`;
  return `const ${local} = ${condition} ? ${value} : ${defaultExpression(field)};`;
}

function initialArray(field: FieldPlan, condition: string | null): string {
  return condition === null ? 'null' : defaultExpression(field);
}

function readArray(
  message: MessagePlan,
  field: FieldPlan,
  element: ElementPlan,
  versions: Range,
  inSteps: boolean,
): string {
  const local = localName(field.name);
  const push = inSteps
    ? pushInSteps(message, local, element, versions)
    : `${local}.push(${elementExpression(message, element, versions)});`;
  const count = byNullability(field, versions, (nullable, range) =>
    arrayLength(message, element, nullable, range),
  );
  if (field.nullable === null) return `for (let left = ${count}; left > 0; left--) ${push}`;
  const counter = `${field.name}Count`;
  return [
    `const ${counter} = ${count};`,
    `${local} = ${counter} < 0 ? null : [];`,
    `if (${local} !== null) for (let left = ${counter}; left > 0; left--) ${push}`,
  ].join('\n');
}

function pushInSteps(message: MessagePlan, local: string, element: ElementPlan, versions: Range): string {
  const push = `${local}.push(${elementExpression(message, element, versions)});`;
  if (element.kind === 'primitive') return push;
  return isLong(message, element.typeName)
    ? `{\n${local}.push(yield* read${element.typeName}InSteps(reader, version));\nyield;\n}`
    : `{\n${push}\nif (left % ${ELEMENTS_PER_STEP} === 0) yield;\n}`;
}

function arrayLength(message: MessagePlan, element: ElementPlan, nullable: boolean, versions: Range): string {
  const name = nullable ? 'nullableArrayLength' : 'arrayLength';
  const compactName = nullable ? 'compactNullableArrayLength' : 'compactArrayLength';
  return byFlexibility(
    message,
    versions,
    () => `reader.${name}(${elementSizeMin(message, element, versions, false)})`,
    () => `reader.${compactName}(${elementSizeMin(message, element, versions, true)})`,
  );
}

function elementExpression(message: MessagePlan, element: ElementPlan, versions: Range): string {
  if (element.kind === 'struct') return `read${element.typeName}(reader, version)`;
  return primitiveExpression(message, element.name, false, versions, true);
}

function valueExpression(message: MessagePlan, field: FieldPlan, versions: Range): string {
  const type = field.type;
  if (type.kind === 'array') throw new Error(`${field.name} is an array`);
  return byNullability(field, versions, (nullable, range) => {
    if (type.kind === 'primitive')
      return primitiveExpression(message, type.name, nullable, range, field.compact);
    const read = `read${type.typeName}(reader, version)`;
    if (!nullable) return read;
    // As Kafka has it: a signed byte in a plain field, an unsigned varint in a tagged one.
    return field.tag === null
      ? `(reader.int8() < 0 ? null : ${read})`
      : `(reader.unsignedVarint() === 0 ? null : ${read})`;
  });
}

function primitiveExpression(
  message: MessagePlan,
  type: string,
  nullable: boolean,
  versions: Range,
  compact: boolean,
): string {
  if (type === 'bool') return 'reader.boolean()';
  if (type !== 'string' && type !== 'bytes' && type !== 'records') return `reader.${type}()`;
  const suffix = type === 'string' ? 'String' : 'Bytes';
  const plain = nullable ? `reader.nullable${suffix}()` : `reader.${suffix.toLowerCase()}()`;
  if (!compact) return plain;
  return byFlexibility(
    message,
    versions,
    () => plain,
    () => `reader.compact${nullable ? 'Nullable' : ''}${suffix}()`,
  );
}

function byFlexibility(
  message: MessagePlan,
  versions: Range,
  plain: () => string,
  compact: () => string,
): string {
  switch (flexibility(message, versions)) {
    case 'never':
      return plain();
    case 'always':
      return compact();
    case 'mixed':
      return `(flexible ? ${compact()} : ${plain()})`;
  }
}

function byNullability(
  field: FieldPlan,
  versions: Range,
  code: (nullable: boolean, versions: Range) => string,
): string {
  const nullable = field.nullable === null ? null : intersect(field.nullable, versions);
  if (nullable === null) return code(false, versions);
  const condition = versionCondition(nullable, versions);
  if (condition === null) return code(true, versions);
  return `(${condition} ? ${code(true, nullable)} : ${code(false, versions)})`;
}

function readTags(
  message: MessagePlan,
  struct: StructPlan,
  tagged: readonly FieldPlan[],
  flexible: 'never' | 'always' | 'mixed',
): string {
  if (flexible === 'never') return '';
  if (tagged.length === 0) {
    const read = 'readUnknownTaggedFields(reader)';
    return `const unknownTaggedFields = ${flexible === 'mixed' ? `flexible ? ${read} : undefined` : read};`;
  }
  const range = intersect(message.flexible!, struct.versions)!;
  const branches = tagged.map((field) => {
    const condition = versionCondition(field.versions, range);
    return `if (tag === ${field.tag}${condition === null ? '' : ` && ${condition}`}) {\n${readTagged(message, field)}\n}`;
  });
  const loop = [
    'for (let left = reader.taggedFieldCount(); left > 0; left--) {',
    'const tag = reader.unsignedVarint();',
    'const end = reader.taggedFieldEnd();',
    `${branches.join(' else ')} else {`,
    '(unknownTaggedFields ??= []).push({ tag, data: reader.view(end - reader.position) });',
    '}',
    'reader.expectPosition(end);',
    '}',
  ].join('\n');
  return [
    'let unknownTaggedFields: UnknownTaggedField[] | undefined;',
    flexible === 'mixed' ? `if (flexible) {\n${loop}\n}` : loop,
  ].join('\n');
}

function readTagged(message: MessagePlan, field: FieldPlan): string {
  const local = localName(field.name);
  if (field.type.kind !== 'array') return `${local} = ${valueExpression(message, field, field.versions)};`;
  const read = readArray(message, field, field.type.element, field.versions, false);
  return field.nullable === null ? `${local} = [];\n${read}` : read;
}
