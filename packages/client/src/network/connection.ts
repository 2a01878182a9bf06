import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import {
  readResponseHeader,
  responseHeaderVersion,
  writeRequestHeader,
} from '@odradek/protocol/request-header.ts';
import { BadAnswerError } from '../errors.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { Address } from '../ports/sockets.ts';
import type { ApiVersionTable } from './api-version-table.ts';
import { Link } from './link.ts';
import { negotiate } from './negotiation.ts';

export interface ConnectionOptions {
  readonly clientId: string;
  /** One deadline for TCP and ApiVersions together, milliseconds. */
  readonly setupTimeoutMs: number;
  readonly frameSizeMaxBytes: number;
}

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

/** One connection to one broker: typed requests in the highest version that both sides know. */
export class Connection {
  readonly versions: ApiVersionTable;
  private readonly link: Link;
  private readonly clientId: string;
  private readonly clock: ClientEnvironment['clock'];
  private usedAtMs: number;

  private constructor(
    link: Link,
    versions: ApiVersionTable,
    clientId: string,
    clock: ClientEnvironment['clock'],
  ) {
    this.link = link;
    this.versions = versions;
    this.clientId = clientId;
    this.clock = clock;
    this.usedAtMs = clock.monotonic();
  }

  /** @throws ConnectionError, RequestTimeoutError, BadAnswerError, UnsupportedApiError */
  static async open(
    environment: ClientEnvironment,
    address: Address,
    options: ConnectionOptions,
  ): Promise<Connection> {
    const { link, versions } = await negotiate(environment, address, options);
    return new Connection(link, versions, options.clientId, environment.clock);
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
    const frame = await this.link.exchange(
      (correlationId) => encodeRequest(api, version, correlationId, this.clientId, message),
      options.timeoutMs,
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

/** The frame of a request: length, header, body. Large byte fields are passed on without a copy. */
export function encodeRequest<RequestInput>(
  api: ApiCodec<unknown, RequestInput, unknown, never>,
  version: number,
  correlationId: number,
  clientId: string,
  message: RequestInput,
): Buffer[] {
  const writer = new Writer();
  writeRequestHeader(writer, { apiKey: api.key, apiVersion: version, correlationId, clientId });
  api.writeRequest(writer, message, version);
  const sizeBytes = writer.sizeBytes;
  const length = Buffer.allocUnsafe(4);
  length.writeInt32BE(sizeBytes, 0);
  const frame: Buffer[] = [length];
  for (const chunk of writer.finish()) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a client request cannot hold external records');
    frame.push(chunk);
  }
  return frame;
}

/** @throws BadAnswerError */
export function decodeResponse<Response>(
  api: ApiCodec<unknown, never, Response, never>,
  version: number,
  frame: Buffer,
): Response {
  try {
    const reader = new Reader(frame);
    readResponseHeader(reader, responseHeaderVersion(api.key, version));
    return api.readResponse(reader, version);
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    throw new BadAnswerError(`the answer to ${api.name} v${version} cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}

function bodyFor<RequestInput>(body: RequestBody<RequestInput>, version: number): RequestInput {
  return typeof body === 'function' ? (body as (version: number) => RequestInput)(version) : body;
}
