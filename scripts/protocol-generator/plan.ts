import type {
  DefaultValue,
  Field,
  FieldType,
  Message,
  PrimitiveType,
  StructType,
} from '../../packages/protocol/src/schema/notation.ts';
import { upperFirst } from './names.ts';
import { covers, intersect, parseRange, span, type Range } from './versions.ts';

/** A message with every range resolved, ready to be written as code. */
export interface MessagePlan {
  readonly name: string;
  readonly versions: Range;
  readonly flexible: Range | null;
  readonly recordType: number | undefined;
  readonly inSteps: 'read' | 'written' | undefined;
  /** In the order of use: a struct stands before the structs that contain it, the message itself is last. */
  readonly structs: readonly StructPlan[];
}

export interface StructPlan {
  readonly typeName: string;
  readonly versions: Range;
  readonly fields: readonly FieldPlan[];
}

export interface FieldPlan {
  readonly name: string;
  readonly type: TypePlan;
  readonly versions: Range;
  readonly nullable: Range | null;
  readonly tag: number | null;
  readonly defaultValue: DefaultValue | undefined;
  readonly ignorable: boolean;
  readonly compact: boolean;
  /** Whether the input type lets the field be left out. */
  readonly optional: boolean;
}

export type ElementPlan =
  | { readonly kind: 'primitive'; readonly name: PrimitiveType }
  | { readonly kind: 'struct'; readonly typeName: string };
export type TypePlan = ElementPlan | { readonly kind: 'array'; readonly element: ElementPlan };

export function planMessage(message: Message): MessagePlan {
  const versions = parseRange(message.versions, { min: 0, max: Infinity });
  if (versions === null) throw new Error(`${message.name}: no versions`);
  const structs: StructPlan[] = [];
  const root: StructType = { kind: 'struct', name: '', fields: message.fields };
  const ranges = structRanges(root, versions);
  for (const [struct, range] of ranges) structs.push(planStruct(message.name, struct, range));
  return {
    name: message.name,
    versions,
    flexible: message.flexible === undefined ? null : parseRange(message.flexible, versions),
    recordType: message.recordType,
    inSteps: message.inSteps,
    structs,
  };
}

/** Every struct with the span of the versions of its uses, inner ones first. */
function structRanges(root: StructType, versions: Range): Map<StructType, Range> {
  const ranges = new Map<StructType, Range>();
  const visit = (struct: StructType, range: Range): void => {
    for (const field of struct.fields) {
      const inner = structOf(field.type);
      const innerRange = fieldRange(field, range);
      if (inner !== null && innerRange !== null) visit(inner, innerRange);
    }
    const known = ranges.get(struct);
    ranges.set(struct, known === undefined ? range : span(known, range));
  };
  visit(root, versions);
  const names = [...ranges.keys()].map((struct) => struct.name);
  if (new Set(names).size < names.length)
    throw new Error(`two structs of one name among ${names.join(', ')}`);
  return ranges;
}

function planStruct(messageName: string, struct: StructType, versions: Range): StructPlan {
  const fields: FieldPlan[] = [];
  for (const field of struct.fields) {
    const range = fieldRange(field, versions);
    if (range !== null) fields.push(planField(messageName, field, range, versions));
  }
  return { typeName: structTypeName(messageName, struct.name), versions, fields };
}

function planField(messageName: string, field: Field, versions: Range, within: Range): FieldPlan {
  const tag = field.tag ?? null;
  return {
    name: field.name,
    type: planType(messageName, field.type),
    versions,
    nullable: nullableRange(field, versions),
    tag,
    defaultValue: field.default,
    ignorable: field.ignorable === true,
    compact: field.compact !== false,
    optional: tag !== null || field.default !== undefined || !covers(versions, within),
  };
}

function planType(messageName: string, type: FieldType): TypePlan {
  if (typeof type === 'string') return { kind: 'primitive', name: type };
  if (type.kind === 'struct') return { kind: 'struct', typeName: structTypeName(messageName, type.name) };
  const element = planType(messageName, type.element);
  if (element.kind === 'array') throw new Error('an array of arrays does not exist in the protocol');
  return { kind: 'array', element };
}

function fieldRange(field: Field, within: Range): Range | null {
  return field.versions === undefined ? within : parseRange(field.versions, within);
}

function nullableRange(field: Field, versions: Range): Range | null {
  if (field.nullable === undefined) return null;
  return field.nullable === true ? versions : parseRange(field.nullable, versions);
}

function structOf(type: FieldType): StructType | null {
  if (typeof type === 'string') return null;
  if (type.kind === 'struct') return type;
  return typeof type.element === 'string' ? null : type.element;
}

function structTypeName(messageName: string, structName: string): string {
  return messageName + upperFirst(structName);
}

/** Whether a struct holds arrays of others: then it may be long, and is read or written in steps itself. */
export function isLong(plan: MessagePlan, typeName: string): boolean {
  const struct = plan.structs.find((candidate) => candidate.typeName === typeName);
  return struct!.fields.some(({ type }) => type.kind === 'array' && type.element.kind === 'struct');
}

/** The flexible part of `versions`: none of it, all of it, or some. */
export function flexibility(plan: MessagePlan, versions: Range): 'never' | 'always' | 'mixed' {
  const part = plan.flexible === null ? null : intersect(plan.flexible, versions);
  if (part === null) return 'never';
  return covers(part, versions) ? 'always' : 'mixed';
}
