import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { type Chunk, Writer } from '@odradek/protocol/primitives/writer.ts';
import {
  readRequestHeader,
  writeResponseHeader,
  type RequestHeader,
} from '@odradek/protocol/request-header.ts';
import type { BrokerServices } from '../broker-services.ts';
import { unsupportedApiVersionsAnswer } from '../handlers/api-versions.ts';
import {
  CLOSE_CONNECTION,
  type ConnectionInfo,
  type HandlerResult,
  type RequestContext,
} from '../handlers/handler.ts';
import type { AnyHandler, HandlerRegistry } from '../handlers/index.ts';

/** What is to be sent: the chunks of a whole frame; nothing; or the connection is to be cut. */
export type Answer = readonly Chunk[] | null | typeof CLOSE_CONNECTION;

/**
 * From the bytes of one request to the bytes of its answer: decodes the header, finds the one handler of the
 * API, lets it work, encodes what it gives back. Knows nothing of sockets.
 *
 * A request that cannot be understood cuts its connection and only that, as Kafka does: an unknown API, a
 * version that is not advertised, or malformed bytes leave no form in which an answer could be given. The
 * exception is ApiVersions, which clients probe with versions of the future.
 */
export class Dispatcher {
  private readonly handlers: HandlerRegistry;
  private readonly broker: BrokerServices;

  constructor(handlers: HandlerRegistry, broker: BrokerServices) {
    this.handlers = handlers;
    this.broker = broker;
  }

  dispatch(frame: Buffer, origin: ConnectionInfo): Answer | Promise<Answer> {
    try {
      return this.dispatchWhole(frame, origin);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return this.refuse(origin, error.message);
    }
  }

  private dispatchWhole(frame: Buffer, origin: ConnectionInfo): Answer | Promise<Answer> {
    const reader = new Reader(frame);
    const header = readRequestHeader(reader);
    const handler = this.handlers.get(header.apiKey);
    if (handler === undefined) return this.refuse(origin, `API ${header.apiKey} is not served`);
    if (header.apiVersion < handler.versionMin || header.apiVersion > handler.versionMax) {
      if (header.apiKey === API_VERSIONS) return unsupportedApiVersionsAnswer(header.correlationId);
      const range = `${handler.versionMin} to ${handler.versionMax}`;
      return this.refuse(origin, `${handler.api.name} v${header.apiVersion} is not served, only ${range}`);
    }
    const request = handler.api.readRequest(reader, header.apiVersion);
    this.broker.noticeSessionEnd();
    return this.handle(handler, request, this.contextOf(header, origin));
  }

  /** Field by field: for every request, spreading costs more than reading its header. */
  private contextOf(header: RequestHeader, origin: ConnectionInfo): RequestContext {
    return {
      apiVersion: header.apiVersion,
      correlationId: header.correlationId,
      clientId: header.clientId,
      connectionId: origin.connectionId,
      clientHost: origin.clientHost,
      listenerName: origin.listenerName,
      connection: origin,
      broker: this.broker,
    };
  }

  private handle(handler: AnyHandler, request: unknown, context: RequestContext): Answer | Promise<Answer> {
    let result;
    try {
      result = handler.handle(request, context);
    } catch (error) {
      result = this.failure(handler, request, context, error);
    }
    if (!(result instanceof Promise)) return encodeAnswer(handler, context, result);
    return result.then(
      (response) => encodeAnswer(handler, context, response),
      (error: unknown) => encodeAnswer(handler, context, this.failure(handler, request, context, error)),
    );
  }

  private failure(
    handler: AnyHandler,
    request: unknown,
    context: RequestContext,
    error: unknown,
  ): HandlerResult<unknown> {
    if (error instanceof KafkaError) return handler.failed(request, error.code, context);
    if (error instanceof MalformedBytesError) throw error;
    this.broker.log.error('a request failed unexpectedly', {
      api: handler.api.name,
      version: context.apiVersion,
      clientId: context.clientId,
      error,
    });
    return handler.failed(request, ErrorCode.UNKNOWN_SERVER_ERROR, context);
  }

  private refuse(origin: ConnectionInfo, reason: string): typeof CLOSE_CONNECTION {
    this.broker.log.info('closing a connection', { client: origin.clientHost, reason });
    return CLOSE_CONNECTION;
  }
}

const API_VERSIONS = 18;

function encodeAnswer(handler: AnyHandler, context: RequestContext, result: HandlerResult<unknown>): Answer {
  if (result === null || result === CLOSE_CONNECTION) return result;
  const writer = new Writer();
  writer.int32(0);
  writeResponseHeader(writer, handler.api.key, context.apiVersion, context.correlationId);
  handler.api.writeResponse(writer, result, context.apiVersion);
  return finishFrame(writer);
}

/** Puts the size, which is known only now, before the frame. */
export function finishFrame(writer: Writer): readonly Chunk[] {
  const size = writer.sizeBytes - 4;
  const chunks = writer.finish();
  (chunks[0] as Buffer).writeInt32BE(size, 0);
  return chunks;
}
