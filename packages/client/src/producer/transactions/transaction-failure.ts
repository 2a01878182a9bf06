import { ErrorCode, KafkaError, isRetriable } from '@odradek/protocol/errors.ts';
import {
  ProducerFencedError,
  TransactionError,
  isRetriableError,
  type TransactionRecovery,
} from '../../errors.ts';

const FENCED: readonly number[] = [ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH];

/** Nothing is wrong with the producer: once aborted, the work can be done again. */
const ABORTABLE: readonly number[] = [
  ErrorCode.TRANSACTION_ABORTABLE,
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.OPERATION_NOT_ATTEMPTED,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_INSTANCE_ID,
  ErrorCode.STALE_MEMBER_EPOCH,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.OFFSET_METADATA_TOO_LARGE,
  ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
];

/** Rights and settings: a new producer would fare no better. */
const HOPELESS: readonly number[] = [
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.INVALID_TRANSACTION_TIMEOUT,
  ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.INVALID_GROUP_ID,
];

/** What a failed batch means for its transaction, where the batch's own error says more than "not written". */
const FATAL_FROM_LEADER: readonly number[] = [
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.UNSUPPORTED_VERSION,
];

/** What an error of the transaction coordinator, or of the group's, means for the transaction. */
export function failureFromCoordinator(
  transactionalId: string,
  what: string,
  error: Error,
): TransactionError {
  if (error instanceof TransactionError) return error;
  const code = error instanceof KafkaError ? error.code : null;
  if (code !== null && FENCED.includes(code)) return new ProducerFencedError(transactionalId, error);
  return new TransactionError(recoveryFor(code, error), `${what}: ${error.message}`, { cause: error });
}

/** What a record that could not be written means for the transaction: it must not be committed without it. */
export function failureFromLeader(transactionalId: string, error: Error): TransactionError {
  const code = error instanceof KafkaError ? error.code : null;
  if (code === ErrorCode.PRODUCER_FENCED) return new ProducerFencedError(transactionalId, error);
  const isFatal = code !== null && FATAL_FROM_LEADER.includes(code);
  return new TransactionError(
    isFatal ? 'none' : 'abort',
    `a record of it was not written: ${error.message}`,
    {
      cause: error,
    },
  );
}

function recoveryFor(code: number | null, error: Error): TransactionRecovery {
  if (code === null) return isRetriableError(error) ? 'abort' : 'restart';
  if (ABORTABLE.includes(code) || isRetriable(code)) return 'abort';
  return HOPELESS.includes(code) ? 'none' : 'restart';
}
