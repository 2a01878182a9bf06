import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';

/**
 * Reads from a log whose files may have been damaged since they were written.
 *
 * @throws KafkaError CORRUPT_MESSAGE where there are bytes that are no batch: the partition has that error, and
 *   nothing else that its reader asked for; a client's own malformed bytes would cost it its connection
 */
export function readStored<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, error.message, { cause: error });
  }
}
