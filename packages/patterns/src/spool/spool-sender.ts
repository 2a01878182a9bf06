import { Producer, asError, type ClientEnvironment, type ProducerOptions } from '@odradek/client';
import { Frontier, type FrontierEntry } from '../parallel/frontier.ts';
import { isPoison } from '../poison.ts';
import type { SpoolLog } from './spool-log.ts';
import type { SpooledRecord, SpoolSettings } from './spool-options.ts';

/** Longer than any absence of a cluster: the longest that timers know. */
const FOR_EVER_MS = 2 ** 31 - 1;
const PAUSE_MS = 1_000;

/**
 * Sends what is in the spool, in its order, for as long as it takes. One producer keeps the order within partitions over
 * all retries; when it gives up, a new one begins at the first record that is not acknowledged.
 */
export class SpoolSender {
  private readonly log: SpoolLog;
  private readonly options: ProducerOptions;
  private readonly settings: SpoolSettings;
  private readonly environment: ClientEnvironment;
  private readonly progressed: () => void;
  /** Told of once. */
  private toldPoison = -1;
  private wake: (() => void) | null = null;
  private isStopped = false;
  private ended: Promise<void> | null = null;

  /** @param progressed told when records were acknowledged */
  constructor(
    log: SpoolLog,
    options: ProducerOptions,
    settings: SpoolSettings,
    environment: ClientEnvironment,
    progressed: () => void,
  ) {
    this.log = log;
    this.options = options;
    this.settings = settings;
    this.environment = environment;
    this.progressed = progressed;
  }

  start(): void {
    this.ended = this.run();
  }

  /** There is something to send, or something was given up. */
  notify(): void {
    this.wake?.();
  }

  /** Waits for what is on its way for a moment only: it is in the spool. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.notify();
    await this.ended;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const producer = new Producer({
        ...this.options,
        acks: -1,
        deliveryTimeoutMs: FOR_EVER_MS,
        maxBlockMs: FOR_EVER_MS,
      });
      const stretch = new Stretch(this.log, producer, this.settings.unacknowledgedMax, this.progressed);
      let failure: Failure | null;
      try {
        failure = await this.send(stretch);
      } catch (thrown) {
        failure = { record: null, error: asError(thrown) };
      }
      stretch.end();
      await producer.close(0);
      if (failure !== null) await this.overcome(failure);
    }
  }

  /**
   * @returns what the producer gave up with, once everything that was sent is settled; null when there is a reason to
   *   begin anew
   */
  private async send(stretch: Stretch): Promise<Failure | null> {
    while (!this.isStopped && stretch.isCurrent) {
      const before = this.woken();
      const isSending = stretch.failure === null && stretch.sendSome();
      if (stretch.failure !== null && stretch.isSettled) return stretch.failure;
      if (!isSending) await Promise.race([before, stretch.changed()]);
    }
    return null;
  }

  private async overcome({ record, error }: Failure): Promise<void> {
    // Only the first that is not acknowledged may be passed over: what comes before it is safe then.
    if (record !== null && record.sequence === this.log.sent && isPoison(error)) {
      if (this.toldPoison !== record.sequence) this.settings.onEvent({ type: 'poison', record, error });
      this.toldPoison = record.sequence;
      if (this.settings.onPoison !== null && (await this.isTakenOver(record, error))) return;
    } else {
      this.settings.onEvent({ type: 'sending-failed', error });
    }
    if (!this.isStopped) await this.pause();
  }

  private async isTakenOver(record: SpooledRecord, error: Error): Promise<boolean> {
    try {
      await this.settings.onPoison!(record, error);
    } catch {
      return false;
    }
    this.log.trim(record.sequence + 1);
    this.progressed();
    return true;
  }

  private woken(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.environment.timers.after(PAUSE_MS, resolve);
      this.wake = () => {
        if (!this.isStopped) return;
        timer.cancel();
        resolve();
      };
    });
  }
}

interface Failure {
  /** The first record that failed; null when it could not be read. */
  readonly record: SpooledRecord | null;
  readonly error: Error;
}

/** What one producer sends, from the first record that is not acknowledged on. */
class Stretch {
  private readonly log: SpoolLog;
  private readonly producer: Producer;
  private readonly unacknowledgedMax: number;
  private readonly advanced: () => void;
  private readonly frontier: Frontier;
  private read: SpooledRecord[] = [];
  private next: number;
  private unacknowledged = 0;
  private tell: (() => void) | null = null;
  private isOver = false;
  /** What the producer gave up with, and at which record. */
  failure: (Failure & { readonly record: SpooledRecord }) | null = null;

  constructor(log: SpoolLog, producer: Producer, unacknowledgedMax: number, advanced: () => void) {
    this.log = log;
    this.producer = producer;
    this.unacknowledgedMax = unacknowledgedMax;
    this.advanced = advanced;
    this.next = log.sent;
    this.frontier = new Frontier(log.sent);
  }

  /** False when records were given up that this one would have sent. */
  get isCurrent(): boolean {
    return this.log.sent <= this.frontier.committable;
  }

  get isSettled(): boolean {
    return this.unacknowledged === 0;
  }

  /** What is settled from now on was not acknowledged. */
  end(): void {
    this.isOver = true;
  }

  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.tell = resolve;
    });
  }

  /** @returns whether there was anything to send, and room for it */
  sendSome(): boolean {
    if (this.read.length === 0 && this.next < this.log.readable) this.read = this.log.read(this.next);
    let isAny = false;
    while (this.read.length > 0 && this.unacknowledged < this.unacknowledgedMax && this.failure === null) {
      const record = this.read.shift()!;
      isAny = true;
      this.send(record);
    }
    return isAny;
  }

  private send(record: SpooledRecord): void {
    const entry = this.frontier.admit(record.sequence);
    this.next = record.sequence + 1;
    this.unacknowledged++;
    void this.producer.enqueue(record, (error) => {
      if (this.isOver) return;
      this.unacknowledged--;
      if (error === null) this.acknowledge(entry);
      else this.fail(record, error);
      this.tell?.();
    });
  }

  private acknowledge(entry: FrontierEntry): void {
    this.frontier.complete(entry);
    if (this.isCurrent) this.log.trim(this.frontier.committable);
    this.advanced();
  }

  /** The first in order decides: others may have failed because it did. */
  private fail(record: SpooledRecord, error: Error): void {
    if (this.failure === null || record.sequence < this.failure.record.sequence)
      this.failure = { record, error };
  }
}
