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
export {
  Claims,
  UncertainError,
  type Claim,
  type ClaimStore,
  type ClaimsOptions,
} from './idempotent/claims.ts';
export { MemoryClaims } from './idempotent/memory-claims.ts';
export { MESSAGE_ID_HEADER, messageId, type MessageIdOf } from './idempotent/message-id.ts';
export {
  PostgresInbox,
  type PostgresClient,
  type PostgresInboxOptions,
  type PostgresPool,
} from './idempotent/postgres-inbox.ts';
export { RedisClaims, type RedisClaimsOptions } from './idempotent/redis-claims.ts';
export { SqliteInbox, type SqliteInboxOptions } from './idempotent/sqlite-inbox.ts';
export { Spool, type SpoolStatus } from './spool/spool.ts';
export type {
  FullPolicy,
  SpooledRecord,
  SpoolEvent,
  SpoolOptions,
  SpoolRecord,
  SpoolSync,
} from './spool/spool-options.ts';
export { OutboxRelay, type OutboxEvent, type OutboxRelayOptions } from './outbox/outbox-relay.ts';
export type { OutboxRow, OutboxTable } from './outbox/outbox-table.ts';
export { PostgresOutbox, type PostgresOutboxOptions } from './outbox/postgres-outbox.ts';
export { SqliteOutbox, type SqliteOutboxOptions } from './outbox/sqlite-outbox.ts';
