import { RegistryError } from './registry-error.ts';
import {
  SCHEMA_TYPES,
  type Schema,
  type SchemaReference,
  type SchemaType,
  type SubjectSchema,
} from './schema.ts';

/** An answer's members, each looked at before it is believed. */
export class Answer {
  private readonly what: string;
  private readonly members: Readonly<Record<string, unknown>>;

  /** @throws RegistryError BAD_ANSWER when it is no object */
  constructor(what: string, given: unknown) {
    this.what = what;
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw this.bad('it is no object');
    this.members = given as Readonly<Record<string, unknown>>;
  }

  wholeNumber(name: string): number {
    const value = this.members[name];
    if (Number.isSafeInteger(value)) return value as number;
    throw this.bad(`it has no number "${name}"`);
  }

  text(name: string): string {
    const value = this.members[name];
    if (typeof value === 'string') return value;
    throw this.bad(`it has no text "${name}"`);
  }

  flag(name: string): boolean {
    const value = this.members[name];
    if (typeof value === 'boolean') return value;
    throw this.bad(`it has no "${name}" of true or false`);
  }

  texts(name: string): readonly string[] {
    return this.list(name).filter((each) => typeof each === 'string');
  }

  schema(): Schema {
    const type = this.members['schemaType'] ?? 'AVRO';
    if (!SCHEMA_TYPES.includes(type as SchemaType)) throw this.bad('its schemaType is none of those known');
    return { type: type as SchemaType, text: this.text('schema'), references: this.references() };
  }

  subjectSchema(): SubjectSchema {
    const [subject, id, version] = [
      this.text('subject'),
      this.wholeNumber('id'),
      this.wholeNumber('version'),
    ];
    return { ...this.schema(), subject, id, version };
  }

  private references(): readonly SchemaReference[] {
    return this.list('references').map((each) => {
      const reference = new Answer(this.what, each);
      return {
        name: reference.text('name'),
        subject: reference.text('subject'),
        version: reference.wholeNumber('version'),
      };
    });
  }

  private list(name: string): readonly unknown[] {
    const value = this.members[name] ?? [];
    if (Array.isArray(value)) return value as unknown[];
    throw this.bad(`its "${name}" is no list`);
  }

  private bad(reason: string): RegistryError {
    return new RegistryError(
      'BAD_ANSWER',
      `the answer for ${this.what} is none of a schema registry: ${reason}`,
    );
  }
}

/** @throws RegistryError BAD_ANSWER */
export function textsOf(what: string, given: unknown): readonly string[] {
  return new Answer(what, { list: given }).texts('list');
}
