import { RequestTimeoutError, asError, isRetriableError } from '../errors.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import { backoffMs, delay, type BackoffOptions } from './backoff.ts';

export interface RetryOptions {
  /** For all attempts together, milliseconds. */
  readonly timeoutMs: number;
  readonly backoff: BackoffOptions;
  /** Where errors call for pauses of their own. */
  readonly backoffFor?: (error: Error) => BackoffOptions;
  /** Called between attempts with what went wrong, to drop what has become doubtful. */
  readonly onRetry?: (error: Error) => void;
  /** Which errors another attempt may cure; else those that say so of themselves. */
  readonly isRetriable?: (error: unknown) => boolean;
}

/**
 * Runs `attempt` until it succeeds, fails for good or the time is up.
 *
 * @param attempt gets the milliseconds that remain
 * @throws what the attempt threw for good; RequestTimeoutError with the last error as cause
 */
export async function retrying<Result>(
  environment: ClientEnvironment,
  options: RetryOptions,
  attempt: (remainingMs: number) => Promise<Result>,
): Promise<Result> {
  const isRetriable = options.isRetriable ?? isRetriableError;
  const deadlineMs = environment.clock.monotonic() + options.timeoutMs;
  for (let failures = 1; ; failures++) {
    const remainingMs = deadlineMs - environment.clock.monotonic();
    let error: Error;
    try {
      return await attempt(Math.max(remainingMs, 1));
    } catch (thrown) {
      if (!isRetriable(thrown)) throw thrown;
      error = asError(thrown);
    }
    const backoff = options.backoffFor?.(error) ?? options.backoff;
    const pauseMs = backoffMs(backoff, failures, environment.random);
    if (environment.clock.monotonic() + pauseMs >= deadlineMs) {
      throw new RequestTimeoutError(`gave up after ${options.timeoutMs} ms: ${error.message}`, {
        cause: error,
      });
    }
    options.onRetry?.(error);
    await delay(environment, pauseMs);
  }
}
