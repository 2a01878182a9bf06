import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { saslAuthenticateApi } from '@odradek/protocol/generated/apis/sasl-authenticate.ts';
import type { SaslAuthenticateResponse } from '@odradek/protocol/generated/sasl-authenticate-response.ts';
import { saslHandshakeApi } from '@odradek/protocol/generated/apis/sasl-handshake.ts';
import { AuthenticationError, ClientError, asError } from '../../errors.ts';
import type { ApiVersionTable } from '../api-version-table.ts';
import type { Link } from '../link.ts';
import { decodeResponse, encodeRequest } from '../request-frame.ts';
import type { SaslExchange } from './sasl-exchange.ts';
import type { SaslOptions } from './sasl-options.ts';
import { scramExchange } from './scram.ts';
import { bearerExchange, plainExchange } from './simple-mechanisms.ts';

/** What authentication is done over. */
export interface SaslLink {
  readonly link: Link;
  readonly versions: ApiVersionTable;
  readonly clientId: string;
  /** Until the deadline of the whole set-up, milliseconds. */
  readonly remainingMs: () => number;
}

/** Before this the mechanism's bytes would travel without the protocol's frames. */
const HANDSHAKE_VERSION_MIN = 1;

/**
 * Proves who this client is (KIP-43, KIP-152).
 *
 * @returns how long the broker takes it for that, milliseconds (KIP-368); Infinity for ever
 * @throws AuthenticationError
 */
export async function authenticate(over: SaslLink, options: SaslOptions): Promise<number> {
  const { mechanism } = options;
  await shakeHands(over, mechanism.toUpperCase());
  const exchange = exchangeOf(options);
  let message: Buffer | null = await said(exchange.first);
  for (;;) {
    const answer: SaslAuthenticateResponse = await ask(over, saslAuthenticateApi, { authBytes: message });
    if (answer.errorCode !== ErrorCode.NONE) {
      const reason = answer.errorMessage ?? errorName(answer.errorCode);
      throw new AuthenticationError(reason, { cause: new KafkaError(answer.errorCode, reason) });
    }
    const { authBytes, sessionLifetimeMs } = answer;
    message = await said(() => exchange.next(authBytes));
    if (message === null) return sessionLifetimeMs > 0 ? sessionLifetimeMs : Infinity;
  }
}

async function shakeHands(over: SaslLink, mechanism: string): Promise<void> {
  const answer = await ask(over, saslHandshakeApi, { mechanism });
  if (answer.errorCode === ErrorCode.NONE) return;
  const offered = answer.mechanisms.length === 0 ? 'none' : answer.mechanisms.join(', ');
  throw new AuthenticationError(`the broker does not take ${mechanism} here, but ${offered}`, {
    cause: new KafkaError(answer.errorCode),
  });
}

async function ask<RequestInput, Response>(
  { link, versions, clientId, remainingMs }: SaslLink,
  api: ApiCodec<unknown, RequestInput, Response, never>,
  body: RequestInput,
): Promise<Response> {
  const version = versions.commonOrThrow(api);
  if (api.key === saslHandshakeApi.key && version < HANDSHAKE_VERSION_MIN) {
    throw new AuthenticationError('the broker is too old: SaslHandshake version 1 is needed');
  }
  const frame = await link.exchange(
    (correlationId) => encodeRequest(api, version, correlationId, clientId, body),
    remainingMs(),
  );
  return decodeResponse(api, version, frame);
}

function exchangeOf(options: SaslOptions): SaslExchange {
  if (options.mechanism === 'oauthbearer') return bearerExchange(options.token);
  const { mechanism, username, password } = options;
  if (mechanism === 'plain') return plainExchange(username, password);
  return scramExchange(mechanism === 'scram-sha-256' ? 'sha256' : 'sha512', username, password);
}

/** What goes wrong on this side, in the token's source for instance, is a failed authentication as well. */
async function said<Result>(say: () => Promise<Result>): Promise<Result> {
  try {
    return await say();
  } catch (thrown) {
    if (thrown instanceof ClientError) throw thrown;
    throw new AuthenticationError(asError(thrown).message, { cause: thrown });
  }
}
