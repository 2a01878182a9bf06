import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import type { ApiVersionsResponse } from '@odradek/protocol/generated/api-versions-response.ts';
import { BadAnswerError, ConnectionError } from '../errors.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { Address } from '../ports/sockets.ts';
import { ApiVersionTable, type VersionRange } from './api-version-table.ts';
import type { ExchangeObserver } from './exchange-observer.ts';
import { Link } from './link.ts';
import type { SaslLink } from './sasl/authenticate.ts';
import type { SaslOptions } from './sasl/sasl-options.ts';
import type { TlsOptions } from './tls-options.ts';
import { observedExchange, type ObservedLink } from './observed-exchange.ts';
import { decodeResponse } from './request-frame.ts';

const CLIENT_SOFTWARE_NAME = 'odradek';
const CLIENT_SOFTWARE_VERSION = '0.1.0';

export interface ConnectionOptions {
  readonly clientId: string;
  /** One deadline for TCP, TLS, ApiVersions and SASL together, milliseconds. */
  readonly setupTimeoutMs: number;
  readonly frameSizeMaxBytes: number;
  /** Default: connections in the clear. */
  readonly tls?: TlsOptions | null;
  /** Where brokers ask who this is. */
  readonly sasl?: SaslOptions | null;
  /** Told of what is asked: of setting up the connection only what the broker serves. */
  readonly onExchange?: ExchangeObserver | null;
}

export interface Negotiated {
  readonly link: Link;
  readonly versions: ApiVersionTable;
  /** How long the broker takes this client for who it is, milliseconds; Infinity for ever. */
  readonly sessionMs: number;
}

/**
 * Connects, asks what the broker serves (KIP-35, KIP-511) and authenticates.
 *
 * A broker that does not know our version of ApiVersions says so in the layout of version 0 and names its own,
 * which is asked next. Some cut the connection instead; those are asked again on a new one in version 0.
 *
 * @throws ConnectionError, RequestTimeoutError, BadAnswerError, AuthenticationError
 */
export async function negotiate(
  environment: ClientEnvironment,
  address: Address,
  options: ConnectionOptions,
): Promise<Negotiated> {
  const deadlineMs = environment.clock.monotonic() + options.setupTimeoutMs;
  const remainingMs = (): number => Math.max(1, deadlineMs - environment.clock.monotonic());
  const attempt = async (version: number): Promise<Negotiated> => {
    const link = await Link.connect(environment, address, {
      connectTimeoutMs: remainingMs(),
      frameSizeMaxBytes: options.frameSizeMaxBytes,
      tls: options.tls ?? null,
    });
    try {
      const { clientId, sasl = null } = options;
      const { clock } = environment;
      const onExchange = options.onExchange ?? ((): void => undefined);
      const versions = await askVersions(
        { link, clock, address, clientId, onExchange, remainingMs },
        version,
      );
      const sessionMs =
        sasl === null ? Infinity : await authenticated({ link, versions, clientId, remainingMs }, sasl);
      return { link, versions, sessionMs };
    } catch (error) {
      link.end(error as Error);
      throw error;
    }
  };
  try {
    return await attempt(apiVersionsApi.versionMax);
  } catch (error) {
    const wasCut = error instanceof ConnectionError && !error.unsent;
    if (!wasCut) throw error;
    return attempt(0);
  }
}

/** A new link to a broker that is to say what it serves. */
interface NewLink extends ObservedLink {
  readonly remainingMs: () => number;
}

async function askVersions(over: NewLink, version: number): Promise<ApiVersionTable> {
  const answer = await exchangeApiVersions(over, version);
  if (answer.errorCode === ErrorCode.NONE) return tableOf(answer);
  if (answer.errorCode !== ErrorCode.UNSUPPORTED_VERSION || version === 0) {
    throw new KafkaError(answer.errorCode, 'ApiVersions was refused');
  }
  const served = answer.apiKeys.find(({ apiKey }) => apiKey === apiVersionsApi.key);
  const next = Math.min(served?.maxVersion ?? 0, version - 1);
  return askVersions(over, Math.max(next, 0));
}

function exchangeApiVersions(over: NewLink, version: number): Promise<ApiVersionsResponse> {
  const request = {
    clientSoftwareName: CLIENT_SOFTWARE_NAME,
    clientSoftwareVersion: CLIENT_SOFTWARE_VERSION,
  };
  const decode = (frame: Buffer): ApiVersionsResponse =>
    decodeResponse(apiVersionsApi, isRefusal(frame) ? 0 : version, frame);
  return observedExchange(over, apiVersionsApi, version, request, over.remainingMs(), decode);
}

/** An unknown version is answered in the layout of version 0, whose first field is the error code. */
function isRefusal(frame: Buffer): boolean {
  if (frame.length < 6) throw new BadAnswerError(`the answer to ApiVersions has only ${frame.length} bytes`);
  return frame.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION;
}

function tableOf(answer: ApiVersionsResponse): ApiVersionTable {
  const ranges = new Map<number, VersionRange>();
  for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
    ranges.set(apiKey, { min: minVersion, max: maxVersion });
  }
  const levels = new Map(
    answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
  );
  return new ApiVersionTable(ranges, { epoch: answer.finalizedFeaturesEpoch, levels });
}

/** The mechanisms are loaded only where one is used: brokers, which start with this file, use none. */
async function authenticated(over: SaslLink, sasl: SaslOptions): Promise<number> {
  const { authenticate } = await import('./sasl/authenticate.ts');
  return authenticate(over, sasl);
}
