import type { ClientEnvironment, ConsumedRecord, TopicPartition } from '@odradek/client';
import { Fifo } from './fifo.ts';
import { Frontier, type FrontierEntry } from './frontier.ts';
import type { OffsetMap } from './offset-map.ts';

type Timer = ReturnType<ClientEnvironment['timers']['after']>;

/** A record that was taken and is not done. */
export interface Task {
  readonly record: ConsumedRecord;
  readonly work: PartitionWork;
  readonly lane: Lane;
  readonly entry: FrontierEntry;
  readonly sizeBytes: number;
  /** Attempts of the handler that were begun. */
  attempts: number;
  /** Why the handler is not tried any more; null while it is. */
  exhausted: Error | null;
  /** It was reported. */
  isStuck: boolean;
}

/** Tasks that go one after the other: of one key, of one partition, or a single one. */
export interface Lane {
  /** Its name among the lanes of its partition; null for a single task that stands by itself. */
  readonly name: string | null;
  readonly tasks: Fifo<Task>;
}

/** How much of one partition may be in work or wait for its turn. */
export interface WorkLimits {
  /** From the first offset that is not done to the last that was taken. */
  readonly aheadMax: number;
  readonly bytesMax: number;
}

interface KnownDone {
  readonly base: number;
  readonly horizon: number;
  readonly incomplete: ReadonlySet<number>;
  isChecked: boolean;
}

/**
 * One partition from being assigned to being given up. If it comes back that is another one: what ends late for this
 * one changes nothing for that.
 */
export class PartitionWork implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Names the partition across clusters and topics that were made anew. */
  readonly identity: string;
  readonly frontier: Frontier;
  readonly lanes = new Map<string, Lane>();
  /** Bytes of what is not done. */
  sizeBytes = 0;
  running = 0;
  /** Nothing new begins: the partition is to be given up, or was. */
  isClosing = false;
  /** The partition is somebody else's: what ends now does not count. */
  isGone = false;
  isPaused = false;
  /** Something got done, or came, since the last commit. */
  isDirty = false;
  /** Handlers of an earlier assignment that have not ended; nothing begins before. */
  predecessor: PartitionWork | null;
  /** Until records that failed are tried again. */
  readonly retries = new Set<Timer>();
  /** Lanes that wait for the predecessor. */
  readonly held: Lane[] = [];
  private readonly aborter = new AbortController();
  private known: KnownDone | null;
  private idle: (() => void)[] = [];

  /**
   * @param start the committed offset, or where reading begins
   * @param known what earlier owners got done beyond it
   */
  constructor(
    at: TopicPartition,
    identity: string,
    start: number,
    known: OffsetMap | null,
    predecessor: PartitionWork | null,
  ) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.identity = identity;
    this.frontier = new Frontier(start);
    this.known =
      known === null ? null : { ...known, incomplete: new Set(known.incomplete), isChecked: false };
    this.predecessor = predecessor;
  }

  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  abort(reason: Error): void {
    this.aborter.abort(reason);
  }

  /** Begins nothing further. */
  close(): void {
    this.isClosing = true;
    for (const timer of this.retries) timer.cancel();
    this.retries.clear();
  }

  /** The first records that came show whether what earlier owners wrote can be about this log. */
  trustsKnown(firstOffset: number, highWatermark: number): boolean {
    if (this.known === null || this.known.isChecked) return true;
    this.known.isChecked = true;
    const isOtherLog = highWatermark >= 0 && this.known.horizon > highWatermark;
    if (firstOffset >= this.known.base && !isOtherLog) return true;
    this.known = null;
    return false;
  }

  /** Whether an earlier owner got it done. */
  isKnownDone(offset: number): boolean {
    const { known } = this;
    return known !== null && offset < known.horizon && !known.incomplete.has(offset);
  }

  /** Nothing more should be taken for now. A partition without anything in work never is. */
  isFull({ aheadMax, bytesMax }: WorkLimits): boolean {
    return this.sizeBytes > 0 && (this.frontier.window >= aheadMax || this.sizeBytes >= bytesMax);
  }

  /** There is room again, and not only for one record. */
  hasRoom({ aheadMax, bytesMax }: WorkLimits): boolean {
    return !this.isFull({ aheadMax: aheadMax / 2, bytesMax: bytesMax / 2 });
  }

  began(): void {
    this.running++;
  }

  ended(): void {
    this.running--;
    if (this.running > 0) return;
    const waiting = this.idle;
    this.idle = [];
    for (const tell of waiting) tell();
  }

  /** Resolves when no handler runs. */
  whenIdle(): Promise<void> {
    return this.running === 0 ? Promise.resolve() : new Promise((resolve) => void this.idle.push(resolve));
  }
}
