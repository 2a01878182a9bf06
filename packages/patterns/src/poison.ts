import { ClientError } from '@odradek/client';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';

const BROKER_CODES: readonly number[] = [
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.INVALID_RECORD,
  ErrorCode.INVALID_TIMESTAMP,
];
const CLIENT_CODES: readonly string[] = ['BAD_RECORD', 'RECORD_TOO_LARGE', 'BAD_PARTITION'];

/** Whether the cluster refused the record itself: no further attempt and no operator will cure that. */
export function isPoison(error: Error): boolean {
  if (error instanceof KafkaError) return BROKER_CODES.includes(error.code);
  return error instanceof ClientError && CLIENT_CODES.includes(error.code);
}
