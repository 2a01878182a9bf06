import type { Timer, Timers } from '../ports/clock.ts';
import type { FetchLimits, FetchPartition } from './fetch-request.ts';
import type { Partition } from './partition.ts';
import {
  type FetchReading,
  type ReadSurroundings,
  readPartitions,
  releaseReading,
} from './read-partitions.ts';

/** A fetch that waits for data. */
export interface ParkedRequest {
  /** Answers now, with what there is. Does nothing once answered or cancelled. */
  complete(): void;
  /** Forgets the request without an answer, because nobody is there to receive it. */
  cancel(): void;
}

/**
 * Waits until `minBytes` can be read, something urgent happens to one of the partitions, or the time is up;
 * then reads once more and answers. Woken by the partitions, never by polling.
 */
export class ParkedFetch implements ParkedRequest {
  readonly limits: FetchLimits;
  private readonly requests: readonly FetchPartition[];
  private readonly surroundings: ReadSurroundings;
  private readonly watched: readonly Partition[];
  private readonly timer: Timer;
  private done: ((reading: FetchReading) => void) | null;
  private readonly onEnd: (parked: ParkedFetch) => void;

  constructor(
    requests: readonly FetchPartition[],
    limits: FetchLimits,
    surroundings: ReadSurroundings,
    timers: Timers,
    done: (reading: FetchReading) => void,
    onEnd: (parked: ParkedFetch) => void,
  ) {
    this.requests = requests;
    this.limits = limits;
    this.surroundings = surroundings;
    this.done = done;
    this.onEnd = onEnd;
    this.watched = requests
      .map((request) => surroundings.partition(request.topic, request.partition))
      .filter((partition) => partition !== undefined);
    for (const partition of this.watched) partition.watchers.add(this.wake);
    this.timer = timers.after(limits.maxWaitMs, () => this.complete());
  }

  complete(): void {
    if (this.done === null) return;
    this.answer(readPartitions(this.requests, this.limits, this.surroundings, true));
  }

  cancel(): void {
    if (this.done === null) return;
    this.done = null;
    this.end();
  }

  /** Answers if that can be done by now. */
  readonly wake = (): void => {
    if (this.done === null) return;
    const reading = readPartitions(this.requests, this.limits, this.surroundings, true);
    if (reading.sizeBytes >= this.limits.minBytes || reading.urgent) this.answer(reading);
    else releaseReading(reading);
  };

  private answer(reading: FetchReading): void {
    const done = this.done!;
    this.done = null;
    this.end();
    done(reading);
  }

  private end(): void {
    this.timer.cancel();
    for (const partition of this.watched) partition.watchers.remove(this.wake);
    this.onEnd(this);
  }
}
