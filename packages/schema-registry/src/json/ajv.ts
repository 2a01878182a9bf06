import { absent } from '../serde/peers.ts';

/** What we use of a validator of the package `ajv`. */
export interface JsonValidator {
  addSchema(schema: object, key: string): unknown;
  compile(schema: object | boolean): JsonCheck;
}

export interface JsonCheck {
  (value: unknown): unknown;
  readonly errors?: readonly JsonMismatch[] | null;
}

export interface JsonMismatch {
  /** Where, as a JSON pointer. */
  readonly instancePath: string;
  readonly message?: string;
}

type Constructor = new (options: object) => JsonValidator;

/** Schemas of registries hold members that only other programs know. */
const OPTIONS = { strict: false, allErrors: false, logger: false };
const DRAFT_2020 = /\/draft\/2020-12\//;
const DRAFT_2019 = /\/draft\/2019-09\//;
const DRAFT_7 = /\/draft-07\//;

/**
 * A validator for the draft of JSON Schema that `$schema` names, draft 7 without one. Formats are not checked: those are
 * another package, for a validator of one's own.
 *
 * @throws MissingPeerError; TypeError for a draft that `ajv` does not have
 */
export async function newValidator(draft: string | undefined): Promise<JsonValidator> {
  if (draft !== undefined && DRAFT_2020.test(draft))
    return made(await import('ajv/dist/2020.js').catch(absent('ajv', 'JSON Schema')));
  if (draft !== undefined && DRAFT_2019.test(draft))
    return made(await import('ajv/dist/2019.js').catch(absent('ajv', 'JSON Schema')));
  if (draft !== undefined && !DRAFT_7.test(draft))
    throw new TypeError(`its $schema is "${draft}", allowed are draft-07, 2019-09 and 2020-12`);
  return made(await import('ajv').catch(absent('ajv', 'JSON Schema')));
}

function made(loaded: { readonly default: unknown }): JsonValidator {
  const Ajv = loaded.default as Constructor & { readonly default?: Constructor };
  return new (Ajv.default ?? Ajv)(OPTIONS);
}
