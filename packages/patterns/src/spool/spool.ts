import { randomUUID } from 'node:crypto';
import { ClientError, ClosedError, asError, type ClientEnvironment } from '@odradek/client';
import { clusterSettings } from '@odradek/client/cluster/cluster-options.ts';
import { pickOptions, refuseUnknown } from '@odradek/client/options.ts';
import { recordFault } from '@odradek/client/producer/record-fault.ts';
import { MESSAGE_ID_HEADER } from '../idempotent/message-id.ts';
import { SpoolLog } from './spool-log.ts';
import {
  SPOOLED_OPTION_NAMES,
  SPOOL_OPTION_NAMES,
  spoolSettings,
  type SpoolOptions,
  type SpoolRecord,
  type SpoolSettings,
} from './spool-options.ts';
import { SpoolSender } from './spool-sender.ts';

export interface SpoolStatus {
  /** Records that the cluster has not acknowledged. */
  readonly waiting: number;
  readonly sizeBytes: number;
  /** Records that were given up because the spool was full, since it was opened. */
  readonly dropped: number;
}

interface Appending {
  readonly record: SpoolRecord;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: Error) => void;
}

/** Records that wait to be written together. */
const APPENDING_MAX = 10_000;
/** What was sent since the last comes twice after a crash. */
const CHECKPOINT_EVERY_MS = 250;

/**
 * A producer whose records go to the local disk first: `append` resolves when they are there, whether there is a cluster
 * or not, and they are sent in their order whenever there is one, by this process or the next.
 *
 * What was appended reaches the cluster at least once; after a crash some comes twice, under the same `message-id`.
 */
export class Spool {
  private readonly log: SpoolLog;
  private readonly settings: SpoolSettings;
  private readonly environment: ClientEnvironment;
  private readonly sender: SpoolSender;
  private appending: Appending[] = [];
  private isWriting = false;
  private waiters: (() => void)[] = [];
  private checkpointTimer: ReturnType<ClientEnvironment['timers']['after']> | null = null;
  private syncTimer: ReturnType<ClientEnvironment['timers']['after']> | null = null;
  private dropped = 0;
  private isClosed = false;

  /**
   * Opens or makes the spool, and begins to send what is in it.
   *
   * @throws ClientError SPOOL_IN_USE, SPOOL_DAMAGED, BAD_OPTION, BAD_ADDRESS; DiskError
   */
  constructor(options: SpoolOptions) {
    refuseUnknown('a spool', options, SPOOL_OPTION_NAMES);
    this.settings = spoolSettings(options);
    this.environment = clusterSettings(options).environment;
    this.log = new SpoolLog(options.directory, this.settings.segmentBytes, this.environment);
    if (this.log.missing > 0) this.settings.onEvent({ type: 'damaged', count: this.log.missing });
    this.sender = new SpoolSender(
      this.log,
      pickOptions(options, SPOOLED_OPTION_NAMES),
      this.settings,
      this.environment,
      () => this.noteSent(),
    );
    this.sender.start();
  }

  get status(): SpoolStatus {
    const { sizeBytes } = this.log;
    return { waiting: this.log.end - this.log.sent, sizeBytes, dropped: this.dropped };
  }

  /**
   * Takes a record over.
   *
   * @returns its sequence number, when it is as safe as `sync` says
   * @throws ClientError BAD_RECORD, SPOOL_FULL, SPOOL_WRITE_FAILED, SPOOL_BUSY; ClosedError. It was not taken then, except that a
   *   sync which failed leaves that open.
   */
  async append(record: SpoolRecord): Promise<number> {
    // Here and not when it is sent: those that are written together share what becomes of them.
    const fault = recordFault(record, Infinity);
    if (fault !== null) throw fault;
    await this.untilRoom();
    if (this.isClosed) throw new ClosedError('spool');
    if (this.appending.length >= APPENDING_MAX) {
      throw new ClientError('SPOOL_BUSY', `${APPENDING_MAX} records wait to be written: await some first`);
    }
    return new Promise((resolve, reject) => {
      this.appending.push({ record, resolve, reject });
      if (!this.isWriting) void this.write();
    });
  }

  /**
   * Resolves when everything before this sequence number is acknowledged by the cluster, or was given up.
   *
   * @param before default: what was appended until now @throws ClientError SPOOL_TIMEOUT; ClosedError
   */
  async flushed(before = this.log.end, timeoutMs = Infinity): Promise<void> {
    const deadlineMs = this.environment.clock.monotonic() + timeoutMs;
    while (this.log.sent < before) {
      if (this.isClosed) throw new ClosedError('spool');
      if (await this.waited(deadlineMs - this.environment.clock.monotonic())) continue;
      const message = `${before - this.log.sent} records were not acknowledged within ${timeoutMs} ms`;
      throw new ClientError('SPOOL_TIMEOUT', message, { retriable: true });
    }
  }

  /** Takes no more and stops sending. What was not sent is sent by whoever opens the directory next. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.wakeWaiters();
    while (this.isWriting) await this.waited(Infinity);
    await this.sender.stop();
    this.checkpointTimer?.cancel();
    this.syncTimer?.cancel();
    this.log.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** All that has come while the last was being written, at once: appends at the same time share a sync. */
  private async write(): Promise<void> {
    this.isWriting = true;
    while (this.appending.length > 0) {
      const group = this.appending;
      this.appending = [];
      try {
        const first = this.log.append(group.map(({ record }) => withId(record)));
        await this.synced();
        this.log.release(first + group.length);
        this.sender.notify();
        for (const [index, { resolve }] of group.entries()) resolve(first + index);
      } catch (thrown) {
        const cause = asError(thrown);
        const error = new ClientError('SPOOL_WRITE_FAILED', `the spool cannot be written: ${cause.message}`, {
          cause,
        });
        for (const { reject } of group) reject(error);
      }
    }
    this.isWriting = false;
    this.wakeWaiters();
  }

  private async synced(): Promise<void> {
    const { sync } = this.settings;
    if (sync === 'each') return this.log.sync();
    if (sync === 'never') return;
    this.syncTimer ??= this.environment.timers.after(sync.everyMs, () => {
      this.syncTimer = null;
      // A log whose sync fails goes offline: the next append is told.
      this.log.sync().catch(() => undefined);
    });
  }

  private async untilRoom(): Promise<void> {
    const { sizeMaxBytes, onFull, blockMaxMs } = this.settings;
    const deadlineMs = this.environment.clock.monotonic() + blockMaxMs;
    while (this.log.sizeBytes >= sizeMaxBytes && !this.isClosed) {
      if (onFull === 'drop-oldest') {
        this.dropOldest();
        return;
      }
      const leftMs = onFull === 'block' ? deadlineMs - this.environment.clock.monotonic() : 0;
      if (leftMs > 0 && (await this.waited(leftMs))) continue;
      const size = `${this.log.sizeBytes} of ${sizeMaxBytes} bytes`;
      throw new ClientError(
        'SPOOL_FULL',
        `the spool is full, ${size}: the cluster does not take what is in it`,
        {
          retriable: true,
        },
      );
    }
  }

  /** A file at a time. */
  private dropOldest(): void {
    const end = this.log.oldestFileEnd;
    const count = end - this.log.sent;
    this.log.trim(end);
    this.dropped += count;
    this.settings.onEvent({ type: 'dropped', count });
    this.sender.notify();
    this.noteSent();
  }

  private noteSent(): void {
    this.wakeWaiters();
    this.checkpointTimer ??= this.environment.timers.after(CHECKPOINT_EVERY_MS, () => {
      this.checkpointTimer = null;
      this.log.checkpoint();
    });
  }

  private wakeWaiters(): void {
    const waiting = this.waiters;
    this.waiters = [];
    for (const wake of waiting) wake();
  }

  /** @returns false when the time was up before anything happened */
  private waited(timeoutMs: number): Promise<boolean> {
    if (timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer =
        timeoutMs === Infinity ? null : this.environment.timers.after(timeoutMs, () => resolve(false));
      this.waiters.push(() => {
        timer?.cancel();
        resolve(true);
      });
    });
  }
}

function withId(record: SpoolRecord): SpoolRecord {
  const id = Buffer.from(record.id ?? randomUUID());
  return { ...record, headers: [...(record.headers ?? []), { key: MESSAGE_ID_HEADER, value: id }] };
}
