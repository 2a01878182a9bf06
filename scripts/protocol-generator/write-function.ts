import { localName } from './names.ts';
import {
  flexibility,
  isLong,
  type ElementPlan,
  type FieldPlan,
  type MessagePlan,
  type StructPlan,
} from './plan.ts';
import { ELEMENTS_PER_STEP } from './read-function.ts';
import { defaultExpression, differsFromDefault } from './types.ts';
import { covers, intersect, versionCondition, type Range } from './versions.ts';

/**
 * The function that writes a struct in every version.
 * @param inSteps as a generator, which the messages that may be long have beside the plain function
 */
export function writeFunction(
  message: MessagePlan,
  struct: StructPlan,
  exported: boolean,
  inSteps = false,
): string {
  const plain = struct.fields.filter((field) => field.tag === null);
  const tagged = struct.fields.filter((field) => field.tag !== null);
  const flexible = flexibility(message, struct.versions);
  const lines = plain.map((field) => writeField(message, struct, field, inSteps));
  lines.push(writeTags(message, struct, tagged, flexible));
  const body = lines.join('\n');
  const usesVersion = /(?<!\.)\bversion\b/.test(body) || flexible === 'mixed';
  return [
    `${exported ? 'export ' : ''}function${inSteps ? '*' : ''} write${struct.typeName}${inSteps ? 'InSteps' : ''}(`,
    `writer: Writer, message: ${struct.typeName}Input, ${usesVersion ? '' : '_'}version: number`,
    `): ${inSteps ? 'Generator<void, void>' : 'void'} {`,
    flexible === 'mixed' ? `const flexible = version >= ${message.flexible!.min};` : '',
    body,
    '}',
    '',
  ].join('\n');
}

function writeField(message: MessagePlan, struct: StructPlan, field: FieldPlan, inSteps: boolean): string {
  const condition = versionCondition(field.versions, struct.versions);
  const write = writePlain(message, field, inSteps);
  if (condition === null) return write;
  if (field.ignorable) return `if (${condition}) {\n${write}\n}`;
  const differs = differsFromDefault(field, `message.${field.name}`);
  return `if (${condition}) {\n${write}\n} else if (${differs}) {\nthrow fieldNotInVersion('${struct.typeName}.${field.name}', version);\n}`;
}

function writePlain(message: MessagePlan, field: FieldPlan, inSteps: boolean): string {
  const value = presentValue(field);
  if (field.type.kind === 'primitive' && isFixed(field.type.name))
    return `writer.${methodOf(field.type.name)}(${value});`;
  if (field.type.kind === 'struct' && field.nullable === null)
    return `write${field.type.typeName}(writer, ${value}, version);`;
  const local = localName(field.name);
  return [`const ${local} = ${value};`, ...writeVariable(message, field, local, 'writer', inSteps)].join(
    '\n',
  );
}

/** The value of the field, with the default where the input leaves it out. */
function presentValue(field: FieldPlan): string {
  const value = `message.${field.name}`;
  if (!field.optional) return value;
  const fallback = defaultExpression(field);
  if (field.nullable !== null && fallback !== 'null')
    return `${value} === undefined ? ${fallback} : ${value}`;
  return `${value} ?? ${fallback}`;
}

/** Statements that write the value in the variable `local` of a type without fixed size, or that may be null. */
function writeVariable(
  message: MessagePlan,
  field: FieldPlan,
  local: string,
  writer: string,
  inSteps = false,
): string[] {
  const lines: string[] = [];
  const nullable = field.nullable === null ? null : intersect(field.nullable, field.versions);
  if (nullable !== null && !covers(nullable, field.versions)) {
    const condition = versionCondition(nullable, field.versions)!;
    lines.push(`if (${local} === null && !(${condition})) throw nullNotAllowed('${field.name}', version);`);
  }
  const type = field.type;
  if (type.kind === 'array')
    return [...lines, ...writeArray(message, field, type.element, local, writer, inSteps)];
  if (type.kind === 'struct') return [...lines, ...writeNullableStruct(type.typeName, field, local, writer)];
  lines.push(
    writePrimitive(message, type.name, field.nullable !== null, field.versions, field.compact, local, writer),
  );
  return lines;
}

function writeArray(
  message: MessagePlan,
  field: FieldPlan,
  element: ElementPlan,
  local: string,
  writer: string,
  inSteps: boolean,
): string[] {
  const count = field.nullable === null ? `${local}.length` : `${local} === null ? -1 : ${local}.length`;
  const item =
    element.kind === 'struct'
      ? `write${element.typeName}(${writer}, element, version);`
      : writePrimitive(message, element.name, false, field.versions, true, 'element', writer);
  const loop =
    inSteps && element.kind === 'struct'
      ? loopInSteps(message, element.typeName, local, item)
      : `for (const element of ${local}) {\n${item}\n}`;
  return [
    byFlexibility(
      message,
      field.versions,
      `${writer}.arrayLength(${count});`,
      `${writer}.compactArrayLength(${count});`,
    ),
    field.nullable === null ? loop : `if (${local} !== null) {\n${loop}\n}`,
  ];
}

function loopInSteps(message: MessagePlan, typeName: string, local: string, item: string): string {
  return isLong(message, typeName)
    ? `for (const element of ${local}) {\nyield* write${typeName}InSteps(writer, element, version);\nyield;\n}`
    : `for (const [at, element] of ${local}.entries()) {\n${item}\nif (at % ${ELEMENTS_PER_STEP} === ${ELEMENTS_PER_STEP - 1}) yield;\n}`;
}

function writeNullableStruct(typeName: string, field: FieldPlan, local: string, writer: string): string[] {
  const write = `write${typeName}(${writer}, ${local}, version);`;
  if (field.nullable === null) return [write];
  if (!covers(field.nullable, field.versions))
    throw new Error(`${field.name}: a struct that is nullable in some versions only`);
  // As Kafka has it: a signed byte in a plain field, an unsigned varint in a tagged one.
  const [absent, present] =
    field.tag === null ? ['int8(-1)', 'int8(1)'] : ['unsignedVarint(0)', 'unsignedVarint(1)'];
  return [`if (${local} === null) {\n${writer}.${absent};\n} else {\n${writer}.${present};\n${write}\n}`];
}

function writePrimitive(
  message: MessagePlan,
  type: string,
  nullable: boolean,
  versions: Range,
  compact: boolean,
  value: string,
  writer: string,
): string {
  if (isFixed(type)) return `${writer}.${methodOf(type)}(${value});`;
  const plainName =
    type === 'records' ? 'records' : nullable ? `nullable${type === 'string' ? 'String' : 'Bytes'}` : type;
  const compactName =
    type === 'records'
      ? 'compactRecords'
      : `compact${nullable ? 'Nullable' : ''}${type === 'string' ? 'String' : 'Bytes'}`;
  const plain = `${writer}.${plainName}(${value});`;
  return compact ? byFlexibility(message, versions, plain, `${writer}.${compactName}(${value});`) : plain;
}

function byFlexibility(message: MessagePlan, versions: Range, plain: string, compact: string): string {
  switch (flexibility(message, versions)) {
    case 'never':
      return plain;
    case 'always':
      return compact;
    case 'mixed':
      return `if (flexible) {\n${compact}\n} else {\n${plain}\n}`;
  }
}

function writeTags(
  message: MessagePlan,
  struct: StructPlan,
  tagged: readonly FieldPlan[],
  flexible: 'never' | 'always' | 'mixed',
): string {
  if (flexible === 'never') return '';
  if (tagged.length === 0) {
    const write = 'writeUnknownTaggedFields(writer, message.unknownTaggedFields);';
    return flexible === 'mixed' ? `if (flexible) {\n${write}\n}` : write;
  }
  const range = intersect(message.flexible!, struct.versions)!;
  const section = [
    'let tags = taggedFieldsOf(message.unknownTaggedFields);',
    ...tagged.map((field) => writeTagged(message, struct, field, range)),
    'writeTaggedFields(writer, tags);',
  ].join('\n');
  if (flexible === 'always') return section;
  const refused = tagged.filter((field) => !field.ignorable).map((field) => refuse(struct, field));
  return `if (flexible) {\n${section}\n}${refused.length === 0 ? '' : ` else {\n${refused.join('\n')}\n}`}`;
}

function writeTagged(
  message: MessagePlan,
  struct: StructPlan,
  field: FieldPlan,
  flexibleRange: Range,
): string {
  const condition = versionCondition(field.versions, flexibleRange);
  const local = localName(field.name);
  const write = [
    `const ${local} = message.${field.name};`,
    `if (${differsFromDefault(field, local)}) {`,
    `const content = (tags ??= new TaggedFields()).add(${field.tag});`,
    ...writeVariable(message, field, local, 'content'),
    '}',
  ].join('\n');
  if (condition === null) return `{\n${write}\n}`;
  return `if (${condition}) {\n${write}\n}${field.ignorable ? '' : ` else {\n${refuse(struct, field)}\n}`}`;
}

function refuse(struct: StructPlan, field: FieldPlan): string {
  return `if (${differsFromDefault(field, `message.${field.name}`)}) throw fieldNotInVersion('${struct.typeName}.${field.name}', version);`;
}

function isFixed(type: string): boolean {
  return type !== 'string' && type !== 'bytes' && type !== 'records';
}

function methodOf(type: string): string {
  return type === 'bool' ? 'boolean' : type;
}
