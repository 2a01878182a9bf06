import { ClosedError, asError } from '@odradek/client';
import { nodeEnvironment } from '@odradek/client/adapters/node-environment.ts';
import { backoffMs, delay } from '@odradek/client/cluster/backoff.ts';
import { HttpExchange, type HttpAnswer, type HttpRequest } from './http-exchange.ts';
import { RegistryError, refusal } from './registry-error.ts';
import type { RegistrySettings } from './registry-options.ts';

/** Statuses after which the same request may succeed, here or at another server. */
const RETRIABLE_STATUSES = new Set([408, 429, 500, 502, 503, 504]);
/** Of an error's words that are no JSON. */
const SHOWN_CHARACTERS_MAX = 200;

/**
 * Asks a registry, at whichever of its servers answers. All that is asked may be asked twice: registering a schema again
 * gives the same id. So whatever a server could not do is tried at the next one, until the deadline of the call.
 */
export class RegistryRequests {
  private readonly settings: RegistrySettings;
  private readonly exchange: HttpExchange;
  private readonly environment = nodeEnvironment();
  private readonly closing = Promise.withResolvers<never>();
  /** Of `bases`, the one that answered last. */
  private current = 0;
  private isClosed = false;

  constructor(settings: RegistrySettings) {
    this.settings = settings;
    this.exchange = new HttpExchange(settings);
    this.closing.promise.catch(() => {});
  }

  /**
   * @param what is asked, for messages: "schema 7"
   * @returns what was answered, parsed
   * @throws RegistryError; ClosedError
   */
  async ask(what: string, request: HttpRequest): Promise<unknown> {
    const { clock, random } = this.environment;
    const { bases, apiTimeoutMs, backoff } = this.settings;
    const deadlineMs = clock.monotonic() + apiTimeoutMs;
    for (let failures = 1; ; failures++) {
      const failure = await this.attempt(what, request, deadlineMs - clock.monotonic());
      if (!(failure instanceof FailedAttempt)) return failure;
      this.current = (this.current + 1) % bases.length;
      const rounds = Math.floor(failures / bases.length);
      const waitMs = failures % bases.length === 0 ? backoffMs(backoff, rounds, random) : 0;
      if (clock.monotonic() + waitMs >= deadlineMs) throw unavailable(what, apiTimeoutMs, failure.reason);
      if (waitMs > 0) await Promise.race([delay(this.environment, waitMs), this.closing.promise]);
    }
  }

  /** What is under way fails with a ClosedError. */
  close(): void {
    this.isClosed = true;
    this.closing.reject(new ClosedError('schema registry'));
    this.exchange.close();
  }

  private async attempt(what: string, request: HttpRequest, restMs: number): Promise<unknown> {
    if (this.isClosed) throw new ClosedError('schema registry');
    const base = this.settings.bases[this.current]!;
    const timeoutMs = Math.max(1, Math.min(this.settings.requestTimeoutMs, restMs));
    let answer: HttpAnswer;
    try {
      answer = await Promise.race([this.exchange.ask(base, request, timeoutMs), this.closing.promise]);
    } catch (thrown) {
      if (thrown instanceof RegistryError || thrown instanceof ClosedError) throw thrown;
      return new FailedAttempt(base, asError(thrown));
    }
    if (answer.status >= 200 && answer.status < 300) return parsed(what, base, answer);
    const { errorCode, words } = explanation(answer);
    const error = refusal(what, answer.status, errorCode, words);
    if (RETRIABLE_STATUSES.has(answer.status)) return new FailedAttempt(base, error);
    throw error;
  }
}

/** A server could not do what another one, or a later attempt, may. */
class FailedAttempt {
  readonly reason: Error;

  constructor(base: URL, cause: Error) {
    const words = cause.message || (cause as NodeJS.ErrnoException).code || 'the connection failed';
    this.reason = new Error(`${base.host}: ${words}`, { cause });
  }
}

function unavailable(what: string, apiTimeoutMs: number, cause: Error): RegistryError {
  const message = `no server of the schema registry has answered for ${what} in ${apiTimeoutMs} ms, the last was ${cause.message}`;
  return new RegistryError('REGISTRY_UNAVAILABLE', message, { cause });
}

function parsed(what: string, base: URL, { status, text }: HttpAnswer): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch (cause) {
    throw new RegistryError('BAD_ANSWER', `${base.host} answers for ${what} with something that is no JSON`, {
      status,
      cause,
    });
  }
}

/** What an error says, by the registry or by something before it. */
function explanation({ status, text }: HttpAnswer): { errorCode: number | null; words: string } {
  const words = text.trim() === '' ? `HTTP status ${status}` : text.trim().slice(0, SHOWN_CHARACTERS_MAX);
  try {
    const { error_code: errorCode, message } = JSON.parse(text) as {
      error_code?: unknown;
      message?: unknown;
    };
    return {
      errorCode: typeof errorCode === 'number' ? errorCode : null,
      words: typeof message === 'string' ? message : words,
    };
  } catch {
    return { errorCode: null, words };
  }
}
