import { KafkaError, isRetriable } from '@odradek/protocol/errors.ts';
import type { TopicPartition } from './cluster/topic-partition.ts';

/** What went wrong on this side of the wire. Error codes of brokers come as `KafkaError`. */
export class ClientError extends Error {
  override readonly name: string = 'ClientError';
  readonly code: string;
  /** Whether the same call may succeed later. */
  readonly retriable: boolean;

  constructor(code: string, message: string, options: ErrorOptions & { retriable?: boolean } = {}) {
    super(message, options);
    this.code = code;
    this.retriable = options.retriable ?? false;
  }
}

/** No connection could be made, or the one in use ended. Whether the broker acted on a request is unknown. */
export class ConnectionError extends ClientError {
  override readonly name = 'ConnectionError';
  /** Whether the request surely never left, so that nothing can have come of it. */
  readonly unsent: boolean;

  constructor(message: string, options: ErrorOptions & { unsent?: boolean } = {}) {
    super('CONNECTION_FAILED', message, { ...options, retriable: true });
    this.unsent = options.unsent ?? false;
  }
}

/** No answer in time. Whether the broker acted on the request is unknown. */
export class RequestTimeoutError extends ClientError {
  override readonly name = 'RequestTimeoutError';

  constructor(message: string, options: ErrorOptions = {}) {
    super('REQUEST_TIMEOUT', message, { ...options, retriable: true });
  }
}

/** The broker does not take this client for who it says it is, or the other way round. Trying again is of no use. */
export class AuthenticationError extends ClientError {
  override readonly name = 'AuthenticationError';

  constructor(message: string, options: ErrorOptions = {}) {
    super('AUTHENTICATION_FAILED', message, options);
  }
}

/** The broker serves no version of an API that this client knows. */
export class UnsupportedApiError extends ClientError {
  override readonly name = 'UnsupportedApiError';

  constructor(message: string) {
    super('UNSUPPORTED_API', message);
  }
}

/** The client, producer or consumer was closed before or during the call. */
export class ClosedError extends ClientError {
  override readonly name = 'ClosedError';

  constructor(what: string) {
    super('CLOSED', `the ${what} is closed`);
  }
}

/** The broker answered something that the protocol does not allow. */
export class BadAnswerError extends ClientError {
  override readonly name = 'BadAnswerError';

  constructor(message: string, options: ErrorOptions = {}) {
    super('BAD_ANSWER', message, options);
  }
}

/** What a partition holds at an offset cannot be decoded: a wrong checksum, or bytes that are no batch. */
export class UnreadableRecordsError extends ClientError {
  override readonly name = 'UnreadableRecordsError';
  readonly topic: string;
  readonly partition: number;
  /** Everything before it has been delivered; who goes on behind it loses what is there. */
  readonly offset: number;

  constructor(at: TopicPartition, offset: number, cause: Error) {
    super(
      'UNREADABLE_RECORDS',
      `${at.topic}-${at.partition} cannot be read from offset ${offset}: ${cause.message}`,
      { cause },
    );
    this.topic = at.topic;
    this.partition = at.partition;
    this.offset = offset;
  }
}

/** Records that were read are not in the leader's log any more, after an unclean election (KIP-320). */
export class LogTruncatedError extends ClientError {
  override readonly name = 'LogTruncatedError';
  readonly topic: string;
  readonly partition: number;
  /** Up to here records were read. */
  readonly offset: number;
  /** From here on others stand in the log, or will. */
  readonly divergesAt: number;

  constructor(at: TopicPartition, offset: number, divergesAt: number) {
    super(
      'LOG_TRUNCATED',
      `${at.topic}-${at.partition} was read up to ${offset}, but its log differs from ${divergesAt} on: seek to go on`,
    );
    this.topic = at.topic;
    this.partition = at.partition;
    this.offset = offset;
    this.divergesAt = divergesAt;
  }
}

/** Records of a share group are not this member's any more: they come again, here or elsewhere. */
export class AcquisitionLostError extends ClientError {
  override readonly name = 'AcquisitionLostError';

  constructor(reason: string, cause: Error | null) {
    const options = cause === null ? {} : { cause };
    super('ACQUISITION_LOST', cause === null ? reason : `${reason}: ${cause.message}`, options);
  }
}

/** A handler of the application failed. The record comes again, here or with another member. */
export class HandlerError extends ClientError {
  override readonly name = 'HandlerError';
  readonly topic: string;
  readonly partition: number;
  /** Everything before it is done. */
  readonly offset: number;

  constructor(at: TopicPartition, offset: number, cause: Error) {
    super(
      'HANDLER_FAILED',
      `the handler failed at ${at.topic}-${at.partition}, offset ${offset}: ${cause.message}`,
      { cause },
    );
    this.topic = at.topic;
    this.partition = at.partition;
    this.offset = offset;
  }
}

/**
 * What a transaction ended with, sorted by what helps (KIP-1050): `abort` it and do its work again; `restart`: close
 * this producer and make a new one; `none`: something has to be changed first, rights or settings.
 */
export type TransactionRecovery = 'abort' | 'restart' | 'none';

/** A transaction cannot go on. Nothing of it is, or becomes, visible to those who read only what is committed. */
export class TransactionError extends ClientError {
  override readonly name: string = 'TransactionError';
  readonly recovery: TransactionRecovery;

  constructor(
    recovery: TransactionRecovery,
    message: string,
    options: ErrorOptions & { code?: string } = {},
  ) {
    super(options.code ?? 'TRANSACTION_FAILED', message, { ...options, retriable: recovery === 'abort' });
    this.recovery = recovery;
  }
}

/** Another producer has taken over the transactional id: this one is of no use any more. */
export class ProducerFencedError extends TransactionError {
  override readonly name = 'ProducerFencedError';

  constructor(transactionalId: string, cause: Error) {
    super('restart', `another producer has taken over the transactional id "${transactionalId}"`, {
      cause,
      code: 'PRODUCER_FENCED',
    });
  }
}

/**
 * Whether the transaction was ended is not known, for lack of an answer. The same call, and no other, settles it:
 * `commitTransaction` after `commitTransaction`, `abortTransaction` after `abortTransaction`.
 */
export class TransactionTimeoutError extends ClientError {
  override readonly name = 'TransactionTimeoutError';

  constructor(call: string, cause: Error) {
    super('TRANSACTION_TIMEOUT', `${call} was not answered in time: call it again. ${cause.message}`, {
      cause,
      retriable: true,
    });
  }
}

export function isRetriableError(error: unknown): boolean {
  if (error instanceof KafkaError) return isRetriable(error.code);
  return error instanceof ClientError && error.retriable;
}

/** Any thrown thing as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
