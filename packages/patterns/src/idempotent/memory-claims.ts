import { ClientError } from '@odradek/client';
import type { Claim, ClaimStore } from './claims.ts';

interface Entry {
  readonly token: number;
  /** Null when it is done. */
  readonly until: number | null;
}

/** Between two looks at a claim that somebody has; others may end before their lease. */
const BUSY_LOOK_MS = 50;

/** Claims of this process only: what a restart or another member repeats is handled again. */
export class MemoryClaims implements ClaimStore {
  readonly guarantee = 'process';
  private readonly entriesMax: number;
  private readonly now: () => number;
  private readonly entries = new Map<string, Entry>();
  private lastToken = 0;

  /**
   * @param entriesMax messages that are remembered; beyond it the oldest are forgotten. Default 100 000
   * @param now milliseconds that never go back
   */
  constructor(entriesMax = 100_000, now: () => number = () => performance.now()) {
    if (!Number.isInteger(entriesMax) || entriesMax < 1) {
      throw new ClientError('BAD_OPTION', `entriesMax is ${entriesMax}, allowed are whole numbers from 1 on`);
    }
    this.entriesMax = entriesMax;
    this.now = now;
  }

  claim(id: string, leaseMs: number): Promise<Claim> {
    const before = this.entries.get(id);
    if (before !== undefined && before.until === null) return Promise.resolve({ state: 'done' });
    const leftMs = (before?.until ?? 0) - this.now();
    if (leftMs > 0) return Promise.resolve({ state: 'busy', retryAfterMs: Math.min(leftMs, BUSY_LOOK_MS) });
    const token = ++this.lastToken;
    this.put(id, { token, until: this.now() + leaseMs });
    return Promise.resolve({ state: before === undefined ? 'new' : 'uncertain', token });
  }

  complete(id: string, token: number): Promise<boolean> {
    const isOwner = this.entries.get(id)?.token === token;
    if (isOwner) this.put(id, { token, until: null });
    return Promise.resolve(isOwner);
  }

  release(id: string, token: number): Promise<void> {
    if (this.entries.get(id)?.token === token) this.entries.delete(id);
    return Promise.resolve();
  }

  private put(id: string, entry: Entry): void {
    this.entries.delete(id);
    this.entries.set(id, entry);
    if (this.entries.size <= this.entriesMax) return;
    for (const [oldest, { until }] of this.entries) {
      if (until !== null) continue;
      this.entries.delete(oldest);
      return;
    }
  }
}
