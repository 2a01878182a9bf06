import {
  AuthenticationError,
  ClientError,
  ConnectionError,
  HandlerError,
  RequestTimeoutError,
  TransactionError,
  UnsupportedApiError,
  asError,
} from '@odradek/client/index.ts';
import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import {
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
  KafkaJSServerDoesNotSupportApiKey,
  type ProtocolReason,
} from './errors.ts';

/** Error codes that KafkaJS knows by the names that they had before Kafka 2.6. */
const FORMER_NAMES: ReadonlyMap<number, string> = new Map([
  [ErrorCode.NOT_LEADER_OR_FOLLOWER, 'NOT_LEADER_FOR_PARTITION'],
  [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 'GROUP_LOAD_IN_PROGRESS'],
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, 'GROUP_COORDINATOR_NOT_AVAILABLE'],
  [ErrorCode.NOT_COORDINATOR, 'NOT_COORDINATOR_FOR_GROUP'],
  [ErrorCode.UNKNOWN_SERVER_ERROR, 'UNKNOWN'],
]);

/** Retriable here as KafkaJS holds it, although the Java client does not. */
const RETRIABLE_IN_KAFKAJS: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_SERVER_ERROR,
  ErrorCode.REASSIGNMENT_IN_PROGRESS,
]);

/** An error code as the reason of a `KafkaJSProtocolError`. */
export function protocolReason(code: number, message?: string | null): ProtocolReason {
  const text =
    message === undefined || message === null || message === '' ? new KafkaError(code).message : message;
  return Object.assign(new Error(text), {
    code,
    type: FORMER_NAMES.get(code) ?? errorName(code),
    retriable: isRetriable(code) || RETRIABLE_IN_KAFKAJS.has(code),
  });
}

export function protocolError(code: number, message?: string | null): KafkaJSProtocolError {
  return new KafkaJSProtocolError(protocolReason(code, message));
}

/** What our client threw, as the error that a program written for KafkaJS looks for. The cause is kept. */
export function toKafkaJSError(thrown: unknown): Error {
  const error = asError(thrown);
  if (error instanceof KafkaJSError) return error;
  if (error instanceof KafkaError) return protocolError(error.code, error.message);
  if (!(error instanceof ClientError)) return error;
  if (error instanceof HandlerError) return error.cause === undefined ? error : asError(error.cause);
  if (error instanceof AuthenticationError) {
    return new KafkaJSSASLAuthenticationError(error, { cause: error });
  }
  if (error instanceof UnsupportedApiError) return new KafkaJSServerDoesNotSupportApiKey(error);
  if (error instanceof ConnectionError) return new KafkaJSConnectionError(error, { cause: error });
  if (error instanceof RequestTimeoutError) return fromTimeout(error);
  if (error instanceof TransactionError && error.cause instanceof KafkaError) {
    return protocolError(error.cause.code, error.message);
  }
  return error.retriable
    ? new KafkaJSError(error, { cause: error })
    : new KafkaJSNonRetriableError(error, { cause: error });
}

/** When attempts ended by the clock, what the last of them met says more. */
function fromTimeout(error: RequestTimeoutError): Error {
  return error.cause === undefined ? new KafkaJSRequestTimeoutError(error) : toKafkaJSError(error.cause);
}

/** Runs a call of our client; what it throws comes as KafkaJS's error. */
export async function translated<Result>(call: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw toKafkaJSError(error);
  }
}
