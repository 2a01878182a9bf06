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
  type Handled,
  type HandlerResult,
  InSteps,
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
    const take = (request: unknown): Answer | Promise<Answer> => {
      this.broker.noticeSessionEnd();
      return this.handle(handler, request, this.contextOf(header, origin));
    };
    const { readRequest, readRequestInSteps } = handler.api;
    if (readRequestInSteps === undefined) return take(readRequest(reader, header.apiVersion));
    const steps = readRequestInSteps(reader, header.apiVersion);
    const read = this.broker.orderWork.run(steps, false);
    return read instanceof Promise ? read.then(take) : take(read);
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
    if (!(result instanceof Promise)) return this.answer(handler, request, context, result);
    return result.then(
      (handled) => this.answer(handler, request, context, handled),
      (error: unknown) => encodeAnswer(handler, context, this.failure(handler, request, context, error)),
    );
  }

  private answer(
    handler: AnyHandler,
    request: unknown,
    context: RequestContext,
    handled: Handled<unknown>,
  ): Answer | Promise<Answer> {
    const isShort = !(handled instanceof InSteps) && handler.api.writeResponseInSteps === undefined;
    if (isShort || handled === null || handled === CLOSE_CONNECTION)
      return encodeAnswer(handler, context, handled as HandlerResult<unknown>);
    const { orderWork, answerWork } = this.broker;
    const isOrder = handled instanceof InSteps && handled.isOrder;
    const failed = (error: unknown): Answer =>
      encodeAnswer(handler, context, this.failure(handler, request, context, error));
    try {
      const steps = answerInSteps(handler, context, handled);
      const answer = isOrder ? orderWork.run(steps, false) : answerWork.run(steps, true);
      return answer instanceof Promise ? answer.catch(failed) : answer;
    } catch (error) {
      return failed(error);
    }
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
  const writer = beginFrame(handler.api, context);
  handler.api.writeResponse(writer, result, context.apiVersion);
  return finishFrame(writer);
}

/** Made and written as one work: what waits behind another takes no memory yet. */
function* answerInSteps(
  { api }: AnyHandler,
  context: RequestContext,
  handled: Handled<unknown>,
): Generator<void, Answer> {
  const response = handled instanceof InSteps ? yield* handled.steps : handled;
  const writer = beginFrame(api, context);
  if (api.writeResponseInSteps === undefined) api.writeResponse(writer, response, context.apiVersion);
  else yield* api.writeResponseInSteps(writer, response, context.apiVersion);
  return finishFrame(writer);
}

function beginFrame({ key }: AnyHandler['api'], { apiVersion, correlationId }: RequestContext): Writer {
  const writer = new Writer();
  writer.int32(0);
  writeResponseHeader(writer, key, apiVersion, correlationId);
  return writer;
}

/** Puts the size, which is known only now, before the frame. */
export function finishFrame(writer: Writer): readonly Chunk[] {
  const size = writer.sizeBytes - 4;
  const chunks = writer.finish();
  (chunks[0] as Buffer).writeInt32BE(size, 0);
  return chunks;
}
