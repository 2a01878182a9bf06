import type { Timer, Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { OpenCoordination } from '../open-coordination.ts';

/** Nothing that more tries could change: the broker has to end. */
export class RejoinRefused extends Error {
  override readonly name = 'RejoinRefused';
}

export interface SessionRenewalParts {
  /** Opens a new session; may take as long as zookeeper.connection.timeout.ms. */
  open(signal: AbortSignal): Promise<OpenCoordination>;
  /**
   * Makes the broker a member of its cluster again, in this session.
   * @throws RejoinRefused; any other error is for another try, in another session
   */
  rejoin(tree: OpenCoordination, signal: AbortSignal): Promise<void>;
  refused(reason: RejoinRefused): void;
  readonly timers: Timers;
  readonly log: LogSink;
}

/** Pause before the next try, as Apache Kafka's. */
const RETRY_MS = 1_000;

/**
 * Gets a broker whose session is over a new one, however long that takes: the coordination tree may be away for
 * hours. One session at a time is tried, and what ends in the middle of it begins anew.
 */
export class SessionRenewal {
  private readonly parts: SessionRenewalParts;
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;

  constructor(parts: SessionRenewalParts) {
    this.parts = parts;
  }

  /** The session is over. Does nothing while a new one is sought. */
  begin(): void {
    if (this.stopping.signal.aborted) return;
    this.running ??= this.run().finally(() => (this.running = null));
  }

  /** Gives up at once; resolves when nothing of a try is left. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      if (await this.attempt(attempt)) return;
      await this.pause();
    }
  }

  /** @returns whether there is nothing left to try */
  private async attempt(attempt: number): Promise<boolean> {
    const { parts } = this;
    const { signal } = this.stopping;
    let tree: OpenCoordination | null = null;
    const letGo = () => void tree?.close();
    signal.addEventListener('abort', letGo);
    try {
      tree = await parts.open(signal);
      let isOver = signal.aborted;
      tree.session.onSession((state) => (isOver ||= state === 'expired'));
      await parts.rejoin(tree, signal);
      if (!isOver) return true;
      throw new Error('the new session is over, too');
    } catch (error) {
      await tree?.close();
      if (signal.aborted) return true;
      if (error instanceof RejoinRefused) {
        parts.refused(error);
        return true;
      }
      parts.log.warn('no new session with the coordination tree yet', { attempt, error });
      return false;
    } finally {
      signal.removeEventListener('abort', letGo);
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.stopping;
      const end = () => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer: Timer = this.parts.timers.after(RETRY_MS, end);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end);
    });
  }
}
