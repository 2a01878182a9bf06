import { ClientError, type TlsOptions } from '@odradek/client';
import { refuseUnknown, wholeNumber, type OptionNames } from '@odradek/client/options.ts';
import type { BackoffOptions } from '@odradek/client/cluster/backoff.ts';

/** Who this is, where a registry asks: a name with a password, or a token, which a function may bring anew each time. */
export type RegistryAuth =
  | { readonly username: string; readonly password: string }
  | { readonly token: string | (() => string | Promise<string>) };

/** How a schema registry is reached. */
export interface SchemaRegistryOptions {
  /**
   * Where it listens, `http://host:8081`, with the path behind which its API lies if there is one. Several are servers of
   * the same registry: the one that answered last is asked first, the others when it fails.
   */
  readonly urls: string | readonly string[];
  readonly auth?: RegistryAuth;
  /** For `https:`. Certificates are always checked. */
  readonly tls?: TlsOptions;
  /** How long one server may take for an answer, milliseconds. Default 10 000. */
  readonly requestTimeoutMs?: number;
  /** Deadline of one call with all its attempts, milliseconds. Default 30 000. */
  readonly apiTimeoutMs?: number;
  /** After all servers have failed, before the first is asked again, milliseconds; grows to `retryBackoffMaxMs`. Default 100. */
  readonly retryBackoffMs?: number;
  /** Default 1 000. */
  readonly retryBackoffMaxMs?: number;
  /** Largest answer that is taken, bytes. Default 16 MiB. */
  readonly answerMaxBytes?: number;
  /** Schemas, and ids of schemas, that are kept; those not used for longest go. Default 1 000 of each. */
  readonly cachedSchemasMax?: number;
}

const OPTION_NAMES: OptionNames<SchemaRegistryOptions> = {
  urls: true,
  auth: true,
  tls: true,
  requestTimeoutMs: true,
  apiTimeoutMs: true,
  retryBackoffMs: true,
  retryBackoffMaxMs: true,
  answerMaxBytes: true,
  cachedSchemasMax: true,
};

export interface RegistrySettings {
  /** Without a slash at their end, at least one. */
  readonly bases: readonly URL[];
  readonly auth: RegistryAuth | null;
  readonly tls: TlsOptions;
  readonly requestTimeoutMs: number;
  readonly apiTimeoutMs: number;
  readonly backoff: BackoffOptions;
  readonly answerMaxBytes: number;
  readonly cachedSchemasMax: number;
}

/** @throws ClientError BAD_OPTION */
export function registrySettings(options: SchemaRegistryOptions): RegistrySettings {
  refuseUnknown('a schema registry', options, OPTION_NAMES);
  const urls = typeof options.urls === 'string' ? [options.urls] : options.urls;
  if (urls.length === 0) throw new ClientError('BAD_OPTION', 'urls is empty: give at least one address');
  return {
    bases: urls.map(baseOf),
    auth: options.auth ?? null,
    tls: options.tls ?? {},
    requestTimeoutMs: wholeNumber('requestTimeoutMs', options.requestTimeoutMs ?? 10_000, 1),
    apiTimeoutMs: wholeNumber('apiTimeoutMs', options.apiTimeoutMs ?? 30_000, 1),
    backoff: {
      initialMs: wholeNumber('retryBackoffMs', options.retryBackoffMs ?? 100, 0),
      maxMs: wholeNumber('retryBackoffMaxMs', options.retryBackoffMaxMs ?? 1_000, 0),
    },
    answerMaxBytes: wholeNumber('answerMaxBytes', options.answerMaxBytes ?? 16 * 1024 * 1024, 1),
    cachedSchemasMax: wholeNumber('cachedSchemasMax', options.cachedSchemasMax ?? 1_000, 1),
  };
}

function baseOf(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : null;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === null || !isHttp || url.search !== '' || url.hash !== '')
    throw new ClientError('BAD_OPTION', `"${given}" is no address of a registry, as http://host:8081 is one`);
  // It would stand in messages and logs.
  if (url.username !== '' || url.password !== '')
    throw new ClientError('BAD_OPTION', `the address of ${url.host} names a user: give auth instead`);
  return url;
}
