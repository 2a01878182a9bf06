import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { asError } from '../errors.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { Address } from '../ports/sockets.ts';
import type { ExchangeObserver } from './exchange-observer.ts';
import type { Link } from './link.ts';
import { encodeRequest } from './request-frame.ts';

/** Who exchanges with whom, and who is told of it. */
export interface ObservedLink {
  readonly link: Link;
  readonly clock: ClientEnvironment['clock'];
  readonly address: Address;
  readonly clientId: string;
  readonly onExchange: ExchangeObserver;
}

/**
 * One request and its answer; the observer is told of both, or of why there is no answer.
 *
 * @param decode the frame of the answer
 * @throws what the exchange and `decode` throw
 */
export async function observedExchange<RequestInput, Response>(
  { link, clock, address, clientId, onExchange }: ObservedLink,
  api: ApiCodec<unknown, RequestInput, Response, never>,
  version: number,
  message: RequestInput,
  timeoutMs: number,
  decode: (frame: Buffer) => Response,
): Promise<Response> {
  const sentAtMs = clock.now();
  const beginMs = clock.monotonic();
  let correlationId = -1;
  const tell = (response: unknown, sizeBytes: number, error: Error | null): void =>
    onExchange({
      apiKey: api.key,
      apiName: api.name,
      apiVersion: version,
      broker: address,
      clientId,
      correlationId,
      sentAtMs,
      durationMs: clock.monotonic() - beginMs,
      sizeBytes,
      response,
      error,
    });
  try {
    const frame = await link.exchange((id) => {
      correlationId = id;
      return encodeRequest(api, version, id, clientId, message);
    }, timeoutMs);
    const body = decode(frame);
    tell(body, frame.length, null);
    return body;
  } catch (error) {
    tell(null, 0, asError(error));
    throw error;
  }
}
