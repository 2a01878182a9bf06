/** KafkaJS's way to say how often and how long something is tried. */
export interface RetryOptions {
  /** No pause is longer, milliseconds. Default 30 000. */
  readonly maxRetryTime?: number;
  /** The first pause, milliseconds. Default 300. */
  readonly initialRetryTime?: number;
  /** How far a pause is spread around what is computed. Fixed at 0.2 here: KIP-580. */
  readonly factor?: number;
  /** By which pauses grow; between calls to brokers it is 2. Default 2. */
  readonly multiplier?: number;
  /** Attempts after the first. Default 5. */
  readonly retries?: number;
  /** Whether a consumer that has crashed begins anew. Default: it does. */
  readonly restartOnFailure?: (error: Error) => Promise<boolean>;
}

export interface RetryPlan {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly multiplier: number;
  readonly retries: number;
}

export function retryPlan(options: RetryOptions = {}): RetryPlan {
  return {
    initialMs: options.initialRetryTime ?? 300,
    maxMs: options.maxRetryTime ?? 30_000,
    multiplier: options.multiplier ?? 2,
    retries: options.retries ?? 5,
  };
}

/** Before the attempt after `failures` failed ones, milliseconds. */
export function pauseBefore({ initialMs, maxMs, multiplier }: RetryPlan, failures: number): number {
  return Math.min(initialMs * multiplier ** (failures - 1), maxMs);
}

/** More pauses than this are as good as for ever. */
const COUNTED_MAX = 1_000;

/** How long all attempts together go on, the time that they take themselves left out, milliseconds; 1 or more. */
export function patienceMs(plan: RetryPlan): number {
  let totalMs = 0;
  for (let failures = 1; failures <= Math.min(plan.retries, COUNTED_MAX); failures++) {
    totalMs += pauseBefore(plan, failures);
  }
  return Math.max(Math.ceil(totalMs), 1);
}
