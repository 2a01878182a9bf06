import type { Address } from '../ports/sockets.ts';

/** A request with what came of it, as an observer is told. */
export interface ObservedExchange {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly broker: Address;
  readonly clientId: string;
  /** -1 when the request did not leave. */
  readonly correlationId: number;
  /** Wall-clock time at which it was handed to the socket, milliseconds since 1970. */
  readonly sentAtMs: number;
  /** Until the answer was there, milliseconds. */
  readonly durationMs: number;
  /** Of the answer, bytes. */
  readonly sizeBytes: number;
  /** The decoded answer, in the version of `apiVersion`; null when there is none. */
  readonly response: unknown;
  /** Why there is no answer. */
  readonly error: Error | null;
}

/** Told of every exchange with a broker once it has ended, on the way of the answer: it must be quick and not throw. */
export type ExchangeObserver = (exchange: ObservedExchange) => void;
