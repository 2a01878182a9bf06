export type {
  ExhaustedPolicy,
  FailedRecord,
  RecordContext,
  RecordHandler,
  RetryPolicy,
} from './parallel/attempt.ts';
export type { Ordering } from './parallel/key-scheduler.ts';
export { ParallelConsumer } from './parallel/parallel-consumer.ts';
export type { ParallelEvent, ParallelOptions } from './parallel/parallel-options.ts';
export type { ParallelStatus, PartitionStatus } from './parallel/parallel-run.ts';
export { deadLetterOf, type DeadLetter } from './dead-letters/dead-letter.ts';
export { DeadLetters, type DeadLettersOptions } from './dead-letters/dead-letters.ts';
export type { DeadLetterTopics } from './dead-letters/dead-letter-topics.ts';
export type { DeathNotes } from './dead-letters/death-notes.ts';
export { redrive } from './dead-letters/redrive.ts';
export type { BreakerState } from './dead-letters/redrive-breaker.ts';
export type {
  Destination,
  RedriveEvent,
  RedriveOptions,
  RedriveReport,
} from './dead-letters/redrive-options.ts';
