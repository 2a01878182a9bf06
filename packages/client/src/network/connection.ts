import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { BadAnswerError } from '../errors.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { Address } from '../ports/sockets.ts';
import type { ApiVersionTable } from './api-version-table.ts';
import type { ExchangeObserver } from './exchange-observer.ts';
import type { Link } from './link.ts';
import { observedExchange } from './observed-exchange.ts';
import { negotiate, type ConnectionOptions, type Negotiated } from './negotiation.ts';
import { decodeResponse, encodeRequest } from './request-frame.ts';

/** The body of a request, or what makes it once the version is known. */
export type RequestBody<RequestInput> = RequestInput | ((version: number) => RequestInput);

export interface RequestOptions {
  /** How long to wait for the answer, milliseconds; then the connection is given up. */
  readonly timeoutMs: number;
  /** Use no version above this one. */
  readonly versionMax?: number;
}

export interface Answer<Response> {
  readonly version: number;
  readonly body: Response;
}

/** Of a session that ends, so much is used; then there is another connection with a session of its own. */
const SESSION_USED = 0.85;

/** One connection to one broker: typed requests in the highest version that both sides know. */
export class Connection {
  readonly versions: ApiVersionTable;
  private readonly link: Link;
  private readonly clientId: string;
  private readonly address: Address;
  private readonly onExchange: ExchangeObserver | null;
  private readonly clock: ClientEnvironment['clock'];
  private usedAtMs: number;
  /** Monotonic time from which on another connection is to be used. */
  private readonly renewAtMs: number;

  private constructor(
    { link, versions, sessionMs }: Negotiated,
    address: Address,
    options: ConnectionOptions,
    clock: ClientEnvironment['clock'],
  ) {
    this.renewAtMs = clock.monotonic() + sessionMs * SESSION_USED;
    this.link = link;
    this.versions = versions;
    this.address = address;
    this.clientId = options.clientId;
    this.onExchange = options.onExchange ?? null;
    this.clock = clock;
    this.usedAtMs = clock.monotonic();
  }

  /** @throws ConnectionError, RequestTimeoutError, BadAnswerError, UnsupportedApiError */
  static async open(
    environment: ClientEnvironment,
    address: Address,
    options: ConnectionOptions,
  ): Promise<Connection> {
    const negotiated = await negotiate(environment, address, options);
    return new Connection(negotiated, address, options, environment.clock);
  }

  /** The broker will soon ask anew who this is (KIP-368). */
  get isDue(): boolean {
    return this.clock.monotonic() >= this.renewAtMs;
  }

  /** Closes once nothing is in flight. */
  retire(): void {
    this.link.retire(new Error('the session ends'));
  }

  get isOpen(): boolean {
    return this.link.ended === null;
  }

  /** Milliseconds since the last request was made, 0 while one is in flight. */
  get idleMs(): number {
    return this.link.inFlight > 0 ? 0 : this.clock.monotonic() - this.usedAtMs;
  }

  /** @throws ConnectionError, RequestTimeoutError, BadAnswerError, UnsupportedApiError */
  async request<RequestInput, Response>(
    api: ApiCodec<unknown, RequestInput, Response, never>,
    body: RequestBody<RequestInput>,
    options: RequestOptions,
  ): Promise<Answer<Response>> {
    const version = this.versions.commonOrThrow(api, options.versionMax);
    this.usedAtMs = this.clock.monotonic();
    const message = bodyFor(body, version);
    const { timeoutMs } = options;
    if (this.onExchange !== null) {
      const { link, clock, address, clientId, onExchange } = this;
      const observed = { link, clock, address, clientId, onExchange };
      const decode = (frame: Buffer): Response => this.decode(api, version, frame);
      return { version, body: await observedExchange(observed, api, version, message, timeoutMs, decode) };
    }
    const frame = await this.link.exchange(
      (correlationId) => encodeRequest(api, version, correlationId, this.clientId, message),
      timeoutMs,
    );
    return { version, body: this.decode(api, version, frame) };
  }

  /** For requests without an answer: Produce with acks=0. @throws ConnectionError, UnsupportedApiError */
  send<RequestInput>(
    api: ApiCodec<unknown, RequestInput, unknown, never>,
    body: RequestBody<RequestInput>,
    versionMax?: number,
  ): void {
    const version = this.versions.commonOrThrow(api, versionMax);
    this.usedAtMs = this.clock.monotonic();
    const message = bodyFor(body, version);
    this.link.send((correlationId) => encodeRequest(api, version, correlationId, this.clientId, message));
  }

  close(reason: Error): void {
    this.link.end(reason);
  }

  /** An answer that cannot be read means that the two sides do not agree on the bytes: the link ends. */
  private decode<Response>(
    api: ApiCodec<unknown, never, Response, never>,
    version: number,
    frame: Buffer,
  ): Response {
    try {
      return decodeResponse(api, version, frame);
    } catch (error) {
      if (error instanceof BadAnswerError) this.link.end(error);
      throw error;
    }
  }
}

function bodyFor<RequestInput>(body: RequestBody<RequestInput>, version: number): RequestInput {
  return typeof body === 'function' ? (body as (version: number) => RequestInput)(version) : body;
}
