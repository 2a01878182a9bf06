import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { NO_TIMESTAMP, type BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import type { ValidationSettings } from './validation-settings.ts';

/** One bad record of a refused batch: its place in the batch, and what is wrong. */
export interface RecordError {
  readonly batchIndex: number;
  readonly message: string;
}

/** INVALID_RECORD or INVALID_TIMESTAMP, with the records at fault, at most 1000 of them. */
export class RecordValidationError extends KafkaError {
  readonly recordErrors: readonly RecordError[];

  constructor(code: number, message: string, recordErrors: readonly RecordError[]) {
    super(code, message);
    this.recordErrors = recordErrors;
  }
}

const RECORD_ERRORS_MAX = 1000;

/** The rules for single records, and the list of those that break them. */
export class RecordRules {
  private readonly errors: RecordError[] = [];
  private anyTimestampError = false;
  private readonly keyIsNeeded: boolean;
  private readonly checksRange: boolean;
  private readonly hasAppendTime: boolean;
  private readonly earliest: number;
  private readonly latest: number;

  constructor(batch: BatchHeader, settings: ValidationSettings) {
    this.keyIsNeeded = settings.isCompacted;
    this.checksRange = settings.timestampType === 'create';
    this.hasAppendTime = batch.timestampType === 'log-append';
    this.earliest = settings.nowMs - settings.timestampBeforeMaxMs;
    this.latest = settings.nowMs + settings.timestampAfterMaxMs;
  }

  check(index: number, hasKey: boolean, timestamp: number): void {
    if (this.keyIsNeeded && !hasKey) {
      this.add(index, 'a record of a compacted topic needs a key');
    } else if (this.checksRange && timestamp !== NO_TIMESTAMP) {
      if (timestamp < this.earliest || timestamp > this.latest) {
        this.addTimestampError(
          index,
          `timestamp ${timestamp} is not within ${this.earliest} to ${this.latest}`,
        );
      }
    } else if (this.hasAppendTime) {
      this.addTimestampError(index, 'a producer must not set the timestamp type to log append time');
    }
  }

  add(index: number, message: string): void {
    if (this.errors.length < RECORD_ERRORS_MAX) this.errors.push({ batchIndex: index, message });
  }

  /** @throws RecordValidationError when a rule was broken */
  finish(): void {
    if (this.errors.length === 0) return;
    if (this.anyTimestampError) {
      throw new RecordValidationError(
        ErrorCode.INVALID_TIMESTAMP,
        'one or more records have a timestamp that is not allowed',
        this.errors,
      );
    }
    const shown = this.errors.slice(0, 3).map((e) => `record ${e.batchIndex}: ${e.message}`);
    throw new RecordValidationError(
      ErrorCode.INVALID_RECORD,
      `one or more records are not allowed; ${shown.join('; ')}`,
      this.errors,
    );
  }

  private addTimestampError(index: number, message: string): void {
    this.anyTimestampError = true;
    this.add(index, message);
  }
}
