import { constantCase } from './names.ts';
import type { ElementPlan, FieldPlan, StructPlan, TypePlan } from './plan.ts';

/** The two types of a struct: what reading gives, and what writing takes. */
export function structTypes(struct: StructPlan): string {
  const read = struct.fields.map((field) => `${field.name}: ${readType(field)};`);
  const input = struct.fields.map(
    (field) => `readonly ${field.name}${field.optional ? '?' : ''}: ${inputType(field)};`,
  );
  return [
    `export interface ${struct.typeName} {`,
    ...read,
    'unknownTaggedFields?: UnknownTaggedField[];',
    '}',
    '',
    `export interface ${struct.typeName}Input {`,
    ...input,
    'readonly unknownTaggedFields?: readonly UnknownTaggedField[] | undefined;',
    '}',
    '',
  ].join('\n');
}

export function readType(field: FieldPlan): string {
  const type = field.type.kind === 'array' ? `${elementType(field.type.element)}[]` : elementType(field.type);
  return field.nullable === null ? type : `${type} | null`;
}

function inputType(field: FieldPlan): string {
  const type =
    field.type.kind === 'array'
      ? `readonly ${inputElementType(field.type.element)}[]`
      : inputElementType(field.type);
  return [type, ...(field.nullable === null ? [] : ['null']), ...(field.optional ? ['undefined'] : [])].join(
    ' | ',
  );
}

function elementType(type: ElementPlan): string {
  if (type.kind === 'struct') return type.typeName;
  switch (type.name) {
    case 'bool':
      return 'boolean';
    case 'string':
    case 'uuid':
      return 'string';
    case 'bytes':
    case 'records':
      return 'Buffer';
    default:
      return 'number';
  }
}

function inputElementType(type: ElementPlan): string {
  if (type.kind === 'struct') return `${type.typeName}Input`;
  return type.name === 'records' ? 'Exclude<RecordsField, null>' : elementType(type);
}

/** The value of a field where it is absent, as an expression. */
export function defaultExpression(field: FieldPlan): string {
  const value = field.defaultValue;
  if (value !== undefined)
    return value === 2 ** 63 ? '2 ** 63' : typeof value === 'string' ? `'${value}'` : String(value);
  return emptyExpression(field.type);
}

function emptyExpression(type: TypePlan): string {
  if (type.kind === 'array') return '[]';
  if (type.kind === 'struct') return defaultConstant(type.typeName);
  switch (type.name) {
    case 'bool':
      return 'false';
    case 'string':
      return "''";
    case 'uuid':
      return 'ZERO_UUID';
    case 'bytes':
      return 'Buffer.alloc(0)';
    case 'records':
      return 'null';
    default:
      return '0';
  }
}

function defaultConstant(typeName: string): string {
  return `DEFAULT_${constantCase(typeName)}`;
}

/** The condition under which `value` is not what a reader assumes where the field is absent. */
export function differsFromDefault(field: FieldPlan, value: string): string {
  const terms = [`${value} !== undefined`];
  if (defaultExpression(field) === 'null') return [...terms, `${value} !== null`].join(' && ');
  const orNull = field.nullable === null ? '' : `${value} === null || `;
  const isEmpty =
    field.type.kind === 'array' || (field.type.kind === 'primitive' && field.type.name === 'bytes');
  if (isEmpty) terms.push(wrap(`${orNull}${value}.length > 0`, orNull));
  else if (field.type.kind === 'struct')
    terms.push(wrap(`${orNull}!isDefault${field.type.typeName}(${value})`, orNull));
  else terms.push(`${value} !== ${defaultExpression(field)}`);
  return terms.join(' && ');
}

function wrap(condition: string, orNull: string): string {
  return orNull === '' ? condition : `(${condition})`;
}

/** A struct of defaults, shared and frozen, and the test for it. */
export function structDefault(struct: StructPlan): string {
  const values = struct.fields.map((field) => `${field.name}: ${defaultExpression(field)},`);
  const tests = struct.fields.map((field) => `!(${differsFromDefault(field, `value.${field.name}`)})`);
  const constant = defaultConstant(struct.typeName);
  return [
    `const ${constant}: ${struct.typeName} = Object.freeze({`,
    ...values,
    '});',
    '',
    `function isDefault${struct.typeName}(value: ${struct.typeName}Input): boolean {`,
    `return value === ${constant} || (${[...tests, 'value.unknownTaggedFields === undefined'].join(' && ')});`,
    '}',
    '',
  ].join('\n');
}
