import { ClientError, type ConsumedRecord } from '@odradek/client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordContext, RecordHandler } from '../parallel/attempt.ts';
import { messageId, type MessageIdOf } from './message-id.ts';

export type Claim =
  /** The message is the caller's to handle. The token is larger than all before for this id. */
  | { readonly state: 'new'; readonly token: number }
  /** Somebody claimed it and was not heard of again: whether it was handled nobody knows. It is the caller's now. */
  | { readonly state: 'uncertain'; readonly token: number }
  | { readonly state: 'done' }
  /** Somebody is at it. */
  | { readonly state: 'busy'; readonly retryAfterMs: number };

/** Who has which message. Each operation is atomic. */
export interface ClaimStore {
  /** What a crash of whom leaves of it. */
  readonly guarantee: 'lease' | 'process';
  /** @param leaseMs after which the claim is over */
  claim(id: string, leaseMs: number): Promise<Claim>;
  /** @returns false when the claim went to somebody else meanwhile */
  complete(id: string, token: number): Promise<boolean>;
  /** The message was not handled. */
  release(id: string, token: number): Promise<void>;
}

export interface ClaimsOptions {
  readonly store: ClaimStore;
  /** Names the handler: what one has done is not done for another. */
  readonly scope: string;
  /** A handler has to end within this, milliseconds; then others may take the message. Default 60 000. */
  readonly leaseMs?: number;
  /**
   * What to do with a message that may have been handled: `repeat` it, which may double the effect; or `reject` it
   * with an UncertainError, for dead letters and a person. Never left out by itself. Default `repeat`.
   */
  readonly onUncertain?: 'repeat' | 'reject';
  /** Default `messageId`. */
  readonly idOf?: MessageIdOf;
}

/** Somebody began to handle a message and was not heard of again. */
export class UncertainError extends ClientError {
  override readonly name = 'UncertainError';

  constructor(id: string) {
    super('UNCERTAIN', `message ${id} was begun and never finished: whether it took effect is not known`);
  }
}

/**
 * Keeps messages from being handled twice where the effect is not in a database that could remember them with it: claim,
 * effect, complete. Best effort: a crash between effect and completion leaves a message that nobody can know of, and a
 * handler that outlives its lease may run beside the next.
 */
export class Claims {
  private readonly options: ClaimsOptions;
  private readonly leaseMs: number;
  /** Messages that had been handled before. */
  repeated = 0;
  /** Messages of which nobody could know. */
  uncertain = 0;
  /** Handlers that outlived their lease. */
  overrun = 0;

  /** @throws ClientError BAD_OPTION */
  constructor(options: ClaimsOptions) {
    this.options = options;
    this.leaseMs = options.leaseMs ?? 60_000;
    if (Number.isInteger(this.leaseMs) && this.leaseMs >= 1) return;
    const message = `leaseMs is ${this.leaseMs}, allowed are whole numbers from 1 on`;
    throw new ClientError('BAD_OPTION', message);
  }

  /**
   * A handler that is called for messages that were not handled yet. `token` grows with each claim: an effect whose
   * store refuses older tokens is safe from handlers that outlived their lease.
   */
  once(
    handler: (record: ConsumedRecord, context: RecordContext & { readonly token: number }) => unknown,
  ): RecordHandler {
    const { store, scope, idOf = messageId, onUncertain = 'repeat' } = this.options;
    return async (record, context) => {
      const id = `${scope}/${idOf(record, context)}`;
      const claim = await this.claimed(id, context.signal);
      if (claim.state === 'done') return void this.repeated++;
      if (claim.state === 'uncertain') this.uncertain++;
      if (claim.state === 'uncertain' && onUncertain === 'reject') throw new UncertainError(id);
      try {
        await handler(record, { ...context, token: claim.token });
      } catch (error) {
        await store.release(id, claim.token);
        throw error;
      }
      if (!(await store.complete(id, claim.token))) this.overrun++;
    };
  }

  private async claimed(id: string, signal: AbortSignal): Promise<Exclude<Claim, { state: 'busy' }>> {
    for (;;) {
      const claim = await this.options.store.claim(id, this.leaseMs);
      if (claim.state !== 'busy') return claim;
      // Whoever is at it ends, or its lease does.
      await sleep(Math.max(claim.retryAfterMs, 1), undefined, { signal });
    }
  }
}
