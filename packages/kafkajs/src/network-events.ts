import { RequestTimeoutError, type ExchangeObserver } from '@odradek/client/index.ts';
import type { Instrumentation, InstrumentationEvent } from './instrumentation.ts';

export type RequestEvent = InstrumentationEvent<{
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly broker: string;
  readonly clientId: string;
  readonly correlationId: number;
  readonly createdAt: number;
  readonly duration: number;
  readonly pendingDuration: number;
  readonly sentAt: number;
  readonly size: number;
}>;

export type RequestTimeoutEvent = InstrumentationEvent<{
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly broker: string;
  readonly clientId: string;
  readonly correlationId: number;
  readonly createdAt: number;
  readonly pendingDuration: number;
  readonly sentAt: number;
}>;

/** Never emitted: requests are sent at once, there is no queue of them. */
export type RequestQueueSizeEvent = InstrumentationEvent<{
  readonly broker: string;
  readonly clientId: string;
  readonly queueSize: number;
}>;

interface NetworkEvents extends Readonly<Record<string, string>> {
  readonly REQUEST: string;
  readonly REQUEST_TIMEOUT: string;
}

/** Tells of requests as KafkaJS does. `pendingDuration` is 0 throughout: no request waits in a queue. */
export function networkEvents(instrumentation: Instrumentation<NetworkEvents>): ExchangeObserver {
  const { events } = instrumentation;
  return (exchange) => {
    const eventName = eventFor(events, exchange.error);
    if (eventName === null || !instrumentation.hasListeners(eventName)) return;
    const { apiKey, apiName, apiVersion, clientId, correlationId, sentAtMs, durationMs, sizeBytes } =
      exchange;
    const sent = { createdAt: sentAtMs, sentAt: sentAtMs, pendingDuration: 0 };
    const broker = `${exchange.broker.host}:${exchange.broker.port}`;
    const request = { apiKey, apiName, apiVersion, broker, clientId, correlationId, ...sent };
    const answer = eventName === events.REQUEST ? { duration: Math.round(durationMs), size: sizeBytes } : {};
    instrumentation.emit(eventName, { ...request, ...answer });
  };
}

function eventFor(events: NetworkEvents, error: Error | null): string | null {
  if (error === null) return events.REQUEST;
  return error instanceof RequestTimeoutError ? events.REQUEST_TIMEOUT : null;
}
