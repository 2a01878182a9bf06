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
