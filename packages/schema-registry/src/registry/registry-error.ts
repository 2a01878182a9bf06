import { ClientError } from '@odradek/client';

/** By the `error_code` of an answer, or where there is none by its HTTP status. */
const CODES: Readonly<Record<number, RegistryErrorCode>> = {
  40401: 'SUBJECT_NOT_FOUND',
  40402: 'VERSION_NOT_FOUND',
  40403: 'SCHEMA_NOT_FOUND',
  42201: 'INVALID_SCHEMA',
  42202: 'INVALID_VERSION',
  42203: 'INVALID_COMPATIBILITY_LEVEL',
  401: 'NOT_ALLOWED',
  403: 'NOT_ALLOWED',
  409: 'INCOMPATIBLE_SCHEMA',
  422: 'INVALID_SCHEMA',
};

/**
 * What a registry refuses, or why it could not be asked:
 *
 * - `SUBJECT_NOT_FOUND`, `VERSION_NOT_FOUND`, `SCHEMA_NOT_FOUND`: it does not have that.
 * - `INCOMPATIBLE_SCHEMA`: the subject's compatibility level does not allow the schema.
 * - `INVALID_SCHEMA`, `INVALID_VERSION`, `INVALID_COMPATIBILITY_LEVEL`: it does not take what was given for that.
 * - `NOT_ALLOWED`: it does not know this client, or does not let it do that.
 * - `REGISTRY_UNAVAILABLE`: none of the addresses has answered in time with more than an error of its own; retriable.
 * - `REGISTRY_REFUSED`: it refuses for a reason that only its words tell.
 * - `BAD_ANSWER`: what answers is no registry.
 */
export type RegistryErrorCode =
  | 'SUBJECT_NOT_FOUND'
  | 'VERSION_NOT_FOUND'
  | 'SCHEMA_NOT_FOUND'
  | 'INCOMPATIBLE_SCHEMA'
  | 'INVALID_SCHEMA'
  | 'INVALID_VERSION'
  | 'INVALID_COMPATIBILITY_LEVEL'
  | 'NOT_ALLOWED'
  | 'REGISTRY_UNAVAILABLE'
  | 'REGISTRY_REFUSED'
  | 'BAD_ANSWER';

/** Numbers that a registry gave its refusal; null where it gave none. */
interface Refusal {
  /** Of HTTP. */
  readonly status: number | null;
  /** The registry's own, as 40401. */
  readonly errorCode: number | null;
}

/** A schema registry refused something, or could not be asked. */
export class RegistryError extends ClientError implements Refusal {
  override readonly name = 'RegistryError';
  declare readonly code: RegistryErrorCode;
  readonly status: number | null;
  readonly errorCode: number | null;

  constructor(
    code: RegistryErrorCode,
    message: string,
    { status = null, errorCode = null, cause }: Partial<Refusal> & ErrorOptions = {},
  ) {
    super(code, message, { cause, retriable: code === 'REGISTRY_UNAVAILABLE' });
    this.status = status;
    this.errorCode = errorCode;
  }
}

/** @param what was asked, for the message */
export function refusal(
  what: string,
  status: number,
  errorCode: number | null,
  words: string,
): RegistryError {
  const code = CODES[errorCode ?? status] ?? CODES[status] ?? 'REGISTRY_REFUSED';
  return new RegistryError(code, `the schema registry refuses ${what}: ${words}`, { status, errorCode });
}
