import { KafkaError } from '@odradek/protocol/errors.ts';
import type { ClusterOptions } from '../../cluster/cluster-options.ts';
import { AuthenticationError, ClientError, UnsupportedApiError, isRetriableError } from '../../errors.ts';
import type { BearerToken, SaslPasswordOptions } from '../../network/sasl/sasl-options.ts';
import type { BeatTiming } from './beat-protocol.ts';

/** What the thread starts with. */
export interface KeeperData {
  readonly protocol: 'classic' | 'consumer';
  readonly groupId: string;
  /** Without what is no plain data. */
  readonly cluster: Omit<ClusterOptions, 'environment' | 'onExchange' | 'sasl'>;
  /** Tokens are asked for where they are needed. */
  readonly sasl: SaslPasswordOptions | 'oauthbearer' | null;
  /** As long as the event loop may say nothing until the place is given up, milliseconds. */
  readonly silenceMaxMs: number;
}

/** `term` counts the places that were kept: what was said for another means nothing. */
export type ToKeeper =
  | {
      readonly kind: 'send' | 'keep';
      readonly term: number;
      readonly beat: unknown;
      readonly timing: BeatTiming;
    }
  | { readonly kind: 'rest'; readonly term: number }
  | {
      readonly kind: 'token';
      readonly id: number;
      readonly token: BearerToken | { readonly error: ToldError };
    };

export type FromKeeper =
  | {
      readonly kind: 'heard';
      readonly term: number;
      readonly answer: unknown;
      /** Of the one that started the thread, monotonic. */
      readonly sentAtMs: number;
      /** By the event loop; else the thread has said it by itself. */
      readonly wasAsked: boolean;
    }
  | { readonly kind: 'unheard'; readonly term: number; readonly error: ToldError }
  | { readonly kind: 'left'; readonly term: number }
  | { readonly kind: 'token'; readonly id: number };

/** An error that goes from thread to thread: of its class what callers look at is kept. */
export interface ToldError {
  readonly message: string;
  readonly code: number | string;
  readonly retriable: boolean;
}

export function toldError(error: unknown): ToldError {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof KafkaError || error instanceof ClientError ? error.code : 'HEARTBEAT_FAILED';
  return { message, code, retriable: isRetriableError(error) };
}

export function errorFrom({ message, code, retriable }: ToldError): Error {
  if (typeof code === 'number') return new KafkaError(code, message);
  if (code === 'AUTHENTICATION_FAILED') return new AuthenticationError(message);
  if (code === 'UNSUPPORTED_API') return new UnsupportedApiError(message);
  return new ClientError(code, message, { retriable });
}
