import {
  CLOSE_CONNECTION,
  type Handled,
  InSteps,
  type RequestContext,
} from '@odradek/broker/handlers/handler.ts';
import type { AnyHandler, HandlerRegistry } from '@odradek/broker/handlers/index.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { type ExternalRecords, Writer } from '@odradek/protocol/primitives/writer.ts';
import type { FaultEffect, FaultSubject } from './fault-rule.ts';
import type { Faults } from './faults.ts';
import { namedByRequest } from './request-subjects.ts';

type Answer = Handled<unknown> | Promise<Handled<unknown>>;

/** Names of the clients by which brokers reach each other. */
const BROKER_CLIENT = /^broker-\d+-/;
const FETCH = 'Fetch';

/** The handlers of a broker with the faults before them. What no fault hits is handled as ever. */
export function faultyHandlers(handlers: HandlerRegistry, brokerId: number, faults: Faults): HandlerRegistry {
  return new Map([...handlers].map(([key, handler]) => [key, faultyHandler(handler, brokerId, faults)]));
}

function faultyHandler(handler: AnyHandler, brokerId: number, faults: Faults): AnyHandler {
  return {
    ...handler,
    handle: (request, context) => {
      if (faults.asksForTopics && isWithinSession(handler, request)) {
        return handler.failed(request, ErrorCode.FETCH_SESSION_ID_NOT_FOUND, context);
      }
      const effect = faults.strike(subjectOf(handler, request, context, brokerId));
      if (effect === null) return handler.handle(request, context);
      return suffer(effect, { handler, request, context, faults });
    },
  };
}

interface Suffering {
  readonly handler: AnyHandler;
  readonly request: unknown;
  readonly context: RequestContext;
  readonly faults: Faults;
}

function suffer(effect: FaultEffect, suffering: Suffering): Answer {
  const { handler, request, context, faults } = suffering;
  switch (effect.kind) {
    case 'error':
      return handler.failed(request, ErrorCode[effect.error], context);
    case 'delay':
      return later(effect.delayMs, suffering);
    case 'drop-request':
      return silence(faults, context);
    case 'drop-answer':
      return afterHandling(suffering, () => silence(faults, context));
    case 'cut':
      return CLOSE_CONNECTION;
    case 'cut-after':
      return afterHandling(suffering, () => CLOSE_CONNECTION);
  }
}

/** A client that has gone meanwhile is not served any more, as one that waits in a socket is not. */
function later(delayMs: number, { handler, request, context }: Suffering): Promise<Handled<unknown>> {
  return new Promise((resolve, reject) => {
    const timer = context.broker.timers.after(delayMs, () => {
      stopListening();
      try {
        resolve(handler.handle(request, context));
      } catch (error) {
        reject(error as Error);
      }
    });
    const stopListening = context.connection.onClose(() => {
      timer.cancel();
      resolve(CLOSE_CONNECTION);
    });
  });
}

/** Until the client gives up, or all faults are taken away. */
function silence(faults: Faults, context: RequestContext): Promise<typeof CLOSE_CONNECTION> {
  return new Promise((resolve) => {
    const notCleared = faults.onCleared(() => resolve(CLOSE_CONNECTION));
    context.connection.onClose(() => {
      notCleared();
      resolve(CLOSE_CONNECTION);
    });
  });
}

/** The answer is nobody's: records in it let go of their files. */
function afterHandling({ handler, request, context }: Suffering, then: () => Answer): Answer {
  const discard = (handled: Handled<unknown>): Answer => {
    const answer = handled instanceof InSteps ? handled.finish() : handled;
    if (answer === null || answer === CLOSE_CONNECTION) return then();
    const writer = new Writer();
    handler.api.writeResponse(writer, answer as never, context.apiVersion);
    for (const chunk of writer.finish()) if (!Buffer.isBuffer(chunk)) release(chunk);
    return then();
  };
  const answer = handler.handle(request, context);
  return answer instanceof Promise ? answer.then(discard) : discard(answer);
}

function release(records: ExternalRecords & { release?: () => void }): void {
  records.release?.();
}

function subjectOf(
  handler: AnyHandler,
  request: unknown,
  context: RequestContext,
  brokerId: number,
): FaultSubject {
  const { metadata } = context.broker;
  return {
    api: handler.api.name,
    ...namedByRequest(request, (topicId) => metadata.topicName(topicId)),
    clientId: context.clientId,
    brokerId,
    fromBroker: BROKER_CLIENT.test(context.clientId ?? ''),
  };
}

/** A fetch within a session names only what changes in it. Refused, it is begun anew and names everything. */
function isWithinSession(handler: AnyHandler, request: unknown): boolean {
  if (handler.api.name !== FETCH) return false;
  const { sessionId, sessionEpoch } = request as { sessionId: number; sessionEpoch: number };
  return sessionId !== 0 && sessionEpoch > 0;
}
