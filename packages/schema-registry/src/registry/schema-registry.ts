import { PromiseCache } from './promise-cache.ts';
import { Answer, textsOf } from './registry-answers.ts';
import { RegistryError } from './registry-error.ts';
import { registrySettings, type SchemaRegistryOptions } from './registry-options.ts';
import { RegistryRequests } from './registry-requests.ts';
import type { ReferencedSchema, Schema, SchemaReference, SubjectSchema } from './schema.ts';

/** Schemas that one may refer to, directly and through others. */
const REFERENCES_MAX = 256;

export type CompatibilityLevel =
  'NONE' | 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE';

export interface NormalizeOption {
  /** Let the registry take schemas for the same that differ only in form. Default false, as in other clients. */
  readonly normalize?: boolean;
}

/**
 * A schema registry with Confluent's HTTP API. What never changes (a schema by its id, the id of a schema, a numbered
 * version) is asked for once and kept, up to `cachedSchemasMax`; what was not found is asked for again.
 *
 * Every call throws `RegistryError`, and `ClosedError` once it is closed.
 */
export class SchemaRegistry {
  private readonly requests: RegistryRequests;
  private readonly byId: PromiseCache<number | string, Schema>;
  private readonly byVersion: PromiseCache<string, SubjectSchema>;
  private readonly ids: PromiseCache<string, number>;

  /** Connects when it is asked for something. @throws ClientError BAD_OPTION */
  constructor(options: SchemaRegistryOptions) {
    const settings = registrySettings(options);
    this.requests = new RegistryRequests(settings);
    this.byId = new PromiseCache(settings.cachedSchemasMax);
    this.byVersion = new PromiseCache(settings.cachedSchemasMax);
    this.ids = new PromiseCache(settings.cachedSchemasMax);
  }

  /** @param id as records name their schema: a number, or the GUID that newer clients write into headers */
  schemaById(id: number | string): Promise<Schema> {
    const path = typeof id === 'number' ? `/schemas/ids/${id}` : `/schemas/guids/${encodeURIComponent(id)}`;
    const what = `schema ${id}`;
    return this.byId.get(id, async () =>
      new Answer(what, await this.requests.ask(what, { method: 'GET', path })).schema(),
    );
  }

  /** @param version from 1 on; `latest` is asked for anew each time */
  schemaOf(subject: string, version: number | 'latest'): Promise<SubjectSchema> {
    const what = `version ${version} of subject "${subject}"`;
    const bring = async (): Promise<SubjectSchema> => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
      return new Answer(what, await this.requests.ask(what, { method: 'GET', path })).subjectSchema();
    };
    return version === 'latest' ? bring() : this.byVersion.get(`${version} ${subject}`, bring);
  }

  /** The id of a schema that is registered already. @throws RegistryError SUBJECT_NOT_FOUND, SCHEMA_NOT_FOUND */
  idOf(subject: string, schema: Schema, { normalize = false }: NormalizeOption = {}): Promise<number> {
    return this.idBy('found in', '', subject, schema, normalize);
  }

  /**
   * Makes a schema the newest version of a subject, unless it is one already.
   *
   * @returns its id
   * @throws RegistryError INCOMPATIBLE_SCHEMA, INVALID_SCHEMA
   */
  register(subject: string, schema: Schema, { normalize = false }: NormalizeOption = {}): Promise<number> {
    return this.idBy('registered in', '/versions', subject, schema, normalize);
  }

  /** Whether a schema could become the newest version of a subject. */
  async isCompatible(subject: string, schema: Schema): Promise<boolean> {
    const what = `whether a schema is compatible with subject "${subject}"`;
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest`;
    const answer = await this.requests.ask(what, { method: 'POST', path, body: bodyOf(schema) });
    return new Answer(what, answer).flag('is_compatible');
  }

  async setCompatibility(subject: string, level: CompatibilityLevel): Promise<void> {
    const path = `/config/${encodeURIComponent(subject)}`;
    await this.requests.ask(`the compatibility level of subject "${subject}"`, {
      method: 'PUT',
      path,
      body: { compatibility: level },
    });
  }

  async subjects(): Promise<readonly string[]> {
    return textsOf(
      'the subjects',
      await this.requests.ask('the subjects', { method: 'GET', path: '/subjects' }),
    );
  }

  /**
   * All that a schema refers to, directly and through others, each behind those that it refers to itself.
   *
   * @throws RegistryError INVALID_SCHEMA when they refer to each other in a circle, or are more than 256
   */
  async referencedBy(schema: Schema): Promise<readonly ReferencedSchema[]> {
    const found: ReferencedSchema[] = [];
    const seen = new Map<string, 'begun' | 'done'>();
    const visit = async ({ name, subject, version }: SchemaReference): Promise<void> => {
      // Those who refer to the same one may name it differently.
      const key = JSON.stringify([name, subject, version]);
      if (seen.get(key) === 'done') return;
      if (seen.get(key) === 'begun')
        throw new RegistryError(
          'INVALID_SCHEMA',
          `version ${version} of subject "${subject}" refers to itself`,
        );
      if (seen.size === REFERENCES_MAX)
        throw new RegistryError('INVALID_SCHEMA', `it refers to more than ${REFERENCES_MAX} schemas`);
      seen.set(key, 'begun');
      const referenced = await this.schemaOf(subject, version);
      for (const each of referenced.references) await visit(each);
      seen.set(key, 'done');
      found.push({ ...referenced, name });
    };
    for (const each of schema.references) await visit(each);
    return found;
  }

  /** Drops the connections. What is under way fails. */
  close(): void {
    this.requests.close();
  }

  private idBy(
    done: string,
    suffix: string,
    subject: string,
    schema: Schema,
    normalize: boolean,
  ): Promise<number> {
    const what = `a schema to be ${done} subject "${subject}"`;
    const path = `/subjects/${encodeURIComponent(subject)}${suffix}?normalize=${normalize}`;
    const body = bodyOf(schema);
    return this.ids.get(`${path} ${JSON.stringify(body)}`, async () =>
      new Answer(what, await this.requests.ask(what, { method: 'POST', path, body })).wholeNumber('id'),
    );
  }
}

function bodyOf({ type, text, references }: Schema): object {
  return {
    schema: text,
    ...(type !== 'AVRO' && { schemaType: type }),
    ...(references.length > 0 && { references }),
  };
}
