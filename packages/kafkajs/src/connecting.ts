import { setTimeout as sleep } from 'node:timers/promises';
import { isRetriableError } from '@odradek/client/index.ts';
import { toKafkaJSError } from './error-translation.ts';
import type { KafkaConfig } from './config.ts';
import { KafkaJSNumberOfRetriesExceeded, KafkaJSSASLAuthenticationError } from './errors.ts';
import { pauseBefore, type RetryPlan } from './retry-options.ts';

/** As `withRetries`; a refusal says by which mechanism. */
export async function connecting<Result>(
  config: KafkaConfig,
  plan: RetryPlan,
  attempt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await withRetries(plan, attempt);
  } catch (error) {
    if (!(error instanceof KafkaJSSASLAuthenticationError) || config.sasl === undefined) throw error;
    // PLAIN, SCRAM SHA256, SCRAM SHA512, OAUTHBEARER
    const mechanism = config.sasl.mechanism.toUpperCase().replace(/-SHA-/, ' SHA');
    const message = `SASL ${mechanism} authentication failed: ${error.message}`;
    throw new KafkaJSSASLAuthenticationError(message, { cause: error });
  }
}

/**
 * Runs `attempt`, and again as often as the plan says where that may help.
 *
 * @throws KafkaJSNumberOfRetriesExceeded with the last error as cause; at once what no attempt can cure
 */
export async function withRetries<Result>(plan: RetryPlan, attempt: () => Promise<Result>): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = toKafkaJSError(thrown);
      const isCurable = isRetriableError(thrown) || ('retriable' in error && error.retriable === true);
      if (!isCurable) throw error;
      const retryTime = pauseBefore(plan, failures);
      if (failures > plan.retries) {
        throw new KafkaJSNumberOfRetriesExceeded(error, { retryCount: failures - 1, retryTime });
      }
      await sleep(retryTime);
    }
  }
}
