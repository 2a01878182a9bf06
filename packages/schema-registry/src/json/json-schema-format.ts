import type { ReferencedSchema, Schema } from '../registry/schema.ts';
import type { PayloadReader, PayloadWriter, SchemaFormat } from '../serde/schema-format.ts';
import { newValidator, type JsonCheck, type JsonValidator } from './ajv.ts';

interface Compiled {
  readonly title: string | null;
  readonly check: JsonCheck;
}

export class JsonSchemaFormat<T> implements SchemaFormat<T, Compiled> {
  readonly type = 'JSON';
  private readonly validator: (() => JsonValidator) | null;

  /** @param validator makes one; null for those of `ajv` */
  constructor(validator: (() => JsonValidator) | null) {
    this.validator = validator;
  }

  async compile({ text }: Schema, referenced: readonly ReferencedSchema[]): Promise<Compiled> {
    const schema = JSON.parse(text) as JsonSchemaDocument | boolean;
    if (typeof schema === 'boolean')
      return { title: null, check: (await this.newValidator()).compile(schema) };
    const validator = await this.newValidator(schema.$schema);
    addReferenced(validator, schema.$id, referenced);
    return { title: schema.title ?? null, check: validator.compile(schema) };
  }

  recordName({ title }: Compiled): string | null {
    return title;
  }

  writer({ check }: Compiled): PayloadWriter<T> {
    return (value) => {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`${typeof value} has no form in JSON`);
      // What is written is looked at, not what it was made of: a Date has become a text, what is undefined is gone.
      approve(check, JSON.parse(text));
      return Buffer.from(text);
    };
  }

  reader(written: Compiled, own: Compiled | null): PayloadReader<T> {
    const { check } = own ?? written;
    return (rest, apart) => {
      const value = parsed(apart ?? rest);
      approve(check, value);
      return value as T;
    };
  }

  private async newValidator(draft?: string): Promise<JsonValidator> {
    return this.validator?.() ?? newValidator(draft);
  }
}

interface JsonSchemaDocument {
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
}

/**
 * Adds schemas under their names, and under what those mean where they are used: a relative reference is resolved against
 * the id of the schema that it stands in.
 *
 * @param id of the schema that refers to them
 */
function addReferenced(
  validator: JsonValidator,
  id: string | undefined,
  referenced: readonly ReferencedSchema[],
): void {
  const documents = referenced.map(({ name, text }) => ({
    name,
    schema: JSON.parse(text) as JsonSchemaDocument,
  }));
  const places = [id, ...documents.flatMap(({ name, schema }) => [schema.$id, name])];
  const bases = places.filter((place) => place !== undefined && URL.canParse(place)) as string[];
  const added = new Set([id]);
  for (const { name, schema } of documents) {
    const names = [schema.$id, name, ...bases.map((base) => resolved(name, base))];
    for (const each of names) {
      if (each === undefined || added.has(each)) continue;
      added.add(each);
      validator.addSchema({ ...schema, $id: each }, each);
    }
  }
}

function resolved(name: string, base: string): string {
  return URL.canParse(name, base) ? new URL(name, base).href : name;
}

/** The words of the parser would show what stands there. */
function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    throw new TypeError('it is no JSON');
  }
}

function approve(check: JsonCheck, value: unknown): void {
  if (check(value) === true) return;
  const [first] = check.errors ?? [];
  const where = first === undefined || first.instancePath === '' ? 'it' : `its ${first.instancePath}`;
  throw new TypeError(`${where} ${first?.message ?? 'is not what its schema says'}`);
}
