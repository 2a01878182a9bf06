import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { DiskError } from '../ports/disk.ts';
import { isDiskRefusal } from './disk-refusal.ts';

/**
 * Whether a log can be used: until it is closed, or until a failure of its disk has left it in a state that
 * cannot be told. Offline is for good; opening the log again makes another one.
 */
export class LogAvailability {
  private readonly onOffline: (error: DiskError) => void;
  private offlineBecause: DiskError | null = null;
  private closed = false;

  /** @param onOffline is told when the log goes offline, once */
  constructor(onOffline: (error: DiskError) => void) {
    this.onOffline = onOffline;
  }

  get isOffline(): boolean {
    return this.offlineBecause !== null;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  close(): void {
    this.closed = true;
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR when offline, NOT_LEADER_OR_FOLLOWER when closed */
  check(directory: string): void {
    if (this.offlineBecause !== null) throw storageError(this.offlineBecause);
    if (this.closed) {
      throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `the log in ${directory} is closed`);
    }
  }

  /**
   * Runs what must not fail half-way: a DiskError takes the log offline. Bytes that are no batches are damage on
   * the disk that concerns only those who want these records.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR and CORRUPT_MESSAGE in their place
   */
  guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof MalformedBytesError) {
        throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `damaged records: ${error.message}`, {
          cause: error,
        });
      }
      if (!(error instanceof DiskError)) throw error;
      this.goOffline(error);
      throw storageError(error);
    }
  }

  /**
   * As `guard`, for what leaves everything as it was when it fails: where the disk only refused, the log goes on.
   *
   * @throws KafkaError as `guard`
   */
  guardHarmless<T>(action: () => T): T {
    return this.guard(() => {
      try {
        return action();
      } catch (error) {
        if (error instanceof DiskError && isDiskRefusal(error)) throw storageError(error);
        throw error;
      }
    });
  }

  goOffline(error: DiskError): void {
    if (this.offlineBecause !== null) return;
    this.offlineBecause = error;
    this.onOffline(error);
  }
}

/** What clients are told of a failure of the disk. */
export function storageError(error: DiskError): KafkaError {
  return new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${error.code} at ${error.path}`, { cause: error });
}
