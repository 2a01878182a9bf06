import { asError, type ConsumedRecord } from '@odradek/client';
import { callApplication } from '@odradek/client/consumer/handler-scope.ts';
import type { AttemptOutcome } from './key-scheduler.ts';
import type { Task } from './partition-work.ts';

export interface RecordContext {
  /** Names the record over clusters and topics that were made anew: cluster id, topic id, partition, offset. */
  readonly id: string;
  /** Aborts when the partition is another member's, or when giving it up takes longer than `drainMs`. */
  readonly signal: AbortSignal;
  /** 1 for the first. Counted by this member: after a restart or a rebalance it begins again. */
  readonly attempt: number;
}

export type RecordHandler = (record: ConsumedRecord, context: RecordContext) => unknown;

export interface FailedRecord {
  readonly record: ConsumedRecord;
  readonly error: Error;
  /** Attempts that failed, this one included. */
  readonly attempts: number;
}

/** Milliseconds until the next attempt, or null when further attempts would be of no use. */
export type RetryPolicy = (failed: FailedRecord) => number | null;

/** Takes a record over that will not be handled; once it resolves the record counts as done. */
export type ExhaustedPolicy = 'block-key' | ((failed: FailedRecord) => Promise<unknown>);

export interface AttemptPolicies {
  readonly handler: RecordHandler;
  readonly retry: RetryPolicy;
  readonly attemptsMax: number;
  readonly onExhausted: ExhaustedPolicy;
  /** Whether so many fail that none should be handed over; called with each that would be. */
  readonly isHandOverHeld: () => boolean;
  readonly succeeded: () => void;
  /** Until when a record waits, and what time it is: milliseconds since 1970. */
  readonly notBefore: (record: ConsumedRecord) => number | null;
  readonly now: () => number;
  /** Told once of a record that will be tried for ever, or that could not be handed over. */
  readonly stuck: (failed: FailedRecord) => void;
}

/** Between attempts that are made for ever. */
const STUCK_RETRY_MS = 30_000;

/** One attempt at a record, and what follows from its failure. @throws what the retry policy throws */
export async function attemptTask(task: Task, policies: AttemptPolicies): Promise<AttemptOutcome> {
  if (task.exhausted === null) {
    const waitMs = task.attempts > 0 ? 0 : (policies.notBefore(task.record) ?? 0) - policies.now();
    if (waitMs > 0) return { retryAfterMs: waitMs };
    const attempt = ++task.attempts;
    try {
      const { signal, identity } = task.work;
      const id = `${identity}/${task.record.offset}`;
      await callApplication(policies.handler, task.record, { id, signal, attempt });
      policies.succeeded();
      return 'done';
    } catch (thrown) {
      // Whoever stops because it was told to has not failed; the record is the next owner's.
      if (task.work.signal.aborted) return { retryAfterMs: 0 };
      return afterFailure(task, asError(thrown), policies);
    }
  }
  return handOver(task, task.exhausted, policies);
}

function afterFailure(
  task: Task,
  error: Error,
  policies: AttemptPolicies,
): Promise<AttemptOutcome> | AttemptOutcome {
  const failed = { record: task.record, error, attempts: task.attempts };
  const retryAfterMs = policies.retry(failed);
  if (task.attempts < policies.attemptsMax && retryAfterMs !== null) return { retryAfterMs };
  const whenTriedOn = { retryAfterMs: retryAfterMs ?? STUCK_RETRY_MS };
  if (policies.onExhausted !== 'block-key') {
    return policies.isHandOverHeld() ? whenTriedOn : handOver(task, error, policies);
  }
  reportOnce(task, failed, policies);
  return whenTriedOn;
}

/** The handler is not called again, however often this has to be repeated. */
async function handOver(task: Task, error: Error, policies: AttemptPolicies): Promise<AttemptOutcome> {
  const failed = { record: task.record, error, attempts: task.attempts };
  task.exhausted = error;
  try {
    if (policies.onExhausted !== 'block-key') await callApplication(policies.onExhausted, failed);
    return 'done';
  } catch (thrown) {
    const cause = asError(thrown);
    const message = `the record could not be handed over: ${cause.message}`;
    reportOnce(task, { ...failed, error: new Error(message, { cause }) }, policies);
    return { retryAfterMs: policies.retry(failed) ?? STUCK_RETRY_MS };
  }
}

function reportOnce(task: Task, failed: FailedRecord, policies: AttemptPolicies): void {
  if (!task.isStuck) policies.stuck(failed);
  task.isStuck = true;
}
