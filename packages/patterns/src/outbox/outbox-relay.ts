import {
  ClosedError,
  Producer,
  asError,
  type ClientEnvironment,
  type ProducerOptions,
} from '@odradek/client';
import { clusterSettings } from '@odradek/client/cluster/cluster-options.ts';
import {
  namesWithout,
  pickOptions,
  refuseUnknown,
  wholeNumber,
  type OptionNames,
} from '@odradek/client/options.ts';
import { PRODUCER_OPTION_NAMES } from '@odradek/client/producer/producer-options.ts';
import { isPoison } from '../poison.ts';
import type { OutboxRow, OutboxTable } from './outbox-table.ts';

/** What the producer is told by the relay. */
const GOVERNED = ['acks', 'idempotent', 'deliveryTimeoutMs', 'maxBlockMs'] as const;

export interface OutboxRelayOptions extends Omit<ProducerOptions, (typeof GOVERNED)[number]> {
  readonly outbox: OutboxTable;
  /** How long to wait when there is nothing to send, milliseconds. Default 200. */
  readonly pollMs?: number;
  /** Rows that are read, sent and deleted together. Default 500. */
  readonly batchMax?: number;
  /**
   * Takes a row over that the cluster will never take; once it resolves the row is deleted. Default: the relay waits at
   * it and says so with `poison`.
   */
  readonly onPoison?: (row: OutboxRow, error: Error) => Promise<unknown>;
  /** Must not throw. */
  readonly onEvent?: (event: OutboxEvent) => void;
}

export type OutboxEvent =
  | { readonly type: 'leading' | 'following' }
  /** The cluster refuses a row for good; told with each attempt. */
  | { readonly type: 'poison'; readonly row: OutboxRow; readonly error: Error }
  /** The database or the cluster failed; it is tried again, and some rows may come twice. */
  | { readonly type: 'failed'; readonly error: Error };

const RELAYED_OPTION_NAMES = namesWithout(PRODUCER_OPTION_NAMES, GOVERNED);

const OPTION_NAMES: OptionNames<OutboxRelayOptions> = {
  ...RELAYED_OPTION_NAMES,
  outbox: true,
  pollMs: true,
  batchMax: true,
  onPoison: true,
  onEvent: true,
};

const FOR_EVER_MS = 2 ** 31 - 1;
const PAUSE_MS = 1_000;

interface Outcome {
  readonly row: OutboxRow;
  readonly error: Error | null;
}

/**
 * Sends what is in an outbox, in its order, and deletes what was acknowledged. Of several relays on one table one
 * leads. Each row is sent at least once, after a crash maybe twice, under one `message-id`.
 */
export class OutboxRelay {
  private readonly options: OutboxRelayOptions;
  private readonly environment: ClientEnvironment;
  private readonly pollMs: number;
  private readonly batchMax: number;
  private isStopped = false;
  private wake: (() => void) | null = null;
  private cutShort: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private isFollowing = false;
  /** Rows that were sent and deleted. */
  relayed = 0;

  /** @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: OutboxRelayOptions) {
    refuseUnknown('an outbox relay', options, OPTION_NAMES);
    this.options = options;
    this.environment = clusterSettings(options).environment;
    this.pollMs = wholeNumber('pollMs', options.pollMs ?? 200, 1);
    this.batchMax = wholeNumber('batchMax', options.batchMax ?? 500, 1);
  }

  /** Until `close`; what fails is tried again. */
  run(): Promise<void> {
    this.running ??= this.untilStopped();
    return this.running;
  }

  /** Rows were added: it looks at once. Without this it looks every `pollMs`. */
  notify(): void {
    this.wake?.();
  }

  async close(): Promise<void> {
    this.isStopped = true;
    this.notify();
    this.cutShort?.();
    await this.running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async untilStopped(): Promise<void> {
    while (!this.isStopped) {
      try {
        await this.leadOnce();
      } catch (thrown) {
        this.tell({ type: 'failed', error: asError(thrown) });
        await this.pause(PAUSE_MS);
      }
    }
  }

  private async leadOnce(): Promise<void> {
    const end = await this.options.outbox.lead();
    if (end === null) {
      if (!this.isFollowing) this.tell({ type: 'following' });
      this.isFollowing = true;
      return this.pause(PAUSE_MS);
    }
    this.isFollowing = false;
    this.tell({ type: 'leading' });
    const producer = new Producer({
      ...pickOptions(this.options, RELAYED_OPTION_NAMES),
      acks: -1,
      deliveryTimeoutMs: FOR_EVER_MS,
      maxBlockMs: FOR_EVER_MS,
    });
    try {
      while (!this.isStopped) await this.relaySome(producer);
    } finally {
      await producer.close(0);
      await end();
    }
  }

  /** @throws what the database or the producer failed with */
  private async relaySome(producer: Producer): Promise<void> {
    const { outbox } = this.options;
    const rows = await outbox.read(this.batchMax);
    if (rows.length === 0) return this.pause(this.pollMs);
    const outcomes = await this.settled(producer, rows);
    // Behind the first that failed nothing is deleted, so that it comes again behind it.
    const failed = outcomes.find(({ error }) => error !== null);
    const sent = rows.slice(0, failed === undefined ? rows.length : rows.indexOf(failed.row));
    if (sent.length > 0) await outbox.remove(sent.map(({ id }) => id));
    this.relayed += sent.length;
    if (failed !== undefined) await this.overcome(failed.row, failed.error!);
  }

  /** In the order of the rows; cut short when the relay is closed, and then nobody knows of them. */
  private settled(producer: Producer, rows: readonly OutboxRow[]): Promise<Outcome[]> {
    return new Promise((resolve) => {
      const outcomes: Outcome[] = [];
      let left = rows.length;
      const closed = new ClosedError('relay');
      this.cutShort = () => resolve(rows.map((row) => ({ row, error: closed })));
      for (const [index, row] of rows.entries()) {
        void producer.enqueue(row.record, (error) => {
          outcomes[index] = { row, error };
          if (--left === 0) resolve(outcomes);
        });
      }
    });
  }

  private async overcome(row: OutboxRow, error: Error): Promise<void> {
    if (this.isStopped) return;
    if (!isPoison(error)) throw error;
    this.tell({ type: 'poison', row, error });
    if (this.options.onPoison === undefined) return this.pause(PAUSE_MS);
    await this.options.onPoison(row, error);
    await this.options.outbox.remove([row.id]);
  }

  private tell(event: OutboxEvent): void {
    this.options.onEvent?.(event);
  }

  private pause(durationMs: number): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.environment.timers.after(durationMs, resolve);
      this.wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
