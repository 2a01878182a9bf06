import { asError, type ClientEnvironment, type ConsumedRecord } from '@odradek/client';
import { Fifo } from './fifo.ts';
import { detached, recordBytes } from './record-bytes.ts';
import type { Lane, PartitionWork, Task } from './partition-work.ts';

/** What must not overtake one another: records of a key, of a partition, or nothing. */
export type Ordering = 'key' | 'partition' | 'none';

/** How an attempt ended: the record is done, or to be tried again after so many milliseconds. */
export type AttemptOutcome = 'done' | { readonly retryAfterMs: number };

export interface SchedulerParts {
  readonly timers: ClientEnvironment['timers'];
  /** Handlers at a time, over all partitions. */
  readonly workers: number;
  readonly ordering: Ordering;
  /** One attempt. What it rejects with is no failure of the record, but of the policies around it. */
  readonly attempt: (task: Task) => Promise<AttemptOutcome>;
  /** A record got done. */
  readonly done: (work: PartitionWork) => void;
  /** An attempt rejected; its record stays undone. */
  readonly failed: (error: Error) => void;
}

/**
 * Shares workers out among lanes of records. A lane has one record in work at a time, waits without a worker while its
 * record is to be tried again later, and goes to the end of the queue after each record: a busy key takes its turn
 * like any other.
 */
export class KeyScheduler {
  private readonly parts: SchedulerParts;
  private readonly ready = new Fifo<Lane>();
  private running = 0;
  /** Handlers that ended after their partition was given up. */
  staleCompletions = 0;

  constructor(parts: SchedulerParts) {
    this.parts = parts;
  }

  get runningCount(): number {
    return this.running;
  }

  /** Takes a record over; its bytes are copied. `dispatch` begins it. */
  add(work: PartitionWork, record: ConsumedRecord): void {
    const lane = this.laneOf(work, record);
    const sizeBytes = recordBytes(record);
    const entry = work.frontier.admit(record.offset);
    lane.tasks.push({
      record: detached(record),
      work,
      lane,
      entry,
      sizeBytes,
      attempts: 0,
      exhausted: null,
      isStuck: false,
    });
    work.sizeBytes += sizeBytes;
    if (lane.tasks.length === 1) this.enqueue(lane);
  }

  /** Begins what can begin. */
  dispatch(): void {
    while (this.running < this.parts.workers) {
      const lane = this.ready.shift();
      if (lane === undefined) return;
      const task = lane.tasks.first!;
      if (!task.work.isClosing) this.begin(task);
    }
  }

  private laneOf(work: PartitionWork, record: ConsumedRecord): Lane {
    const name = this.laneName(record);
    const known = name === null ? undefined : work.lanes.get(name);
    if (known !== undefined) return known;
    const lane: Lane = { name, tasks: new Fifo() };
    if (name !== null) work.lanes.set(name, lane);
    return lane;
  }

  private laneName({ key }: ConsumedRecord): string | null {
    const { ordering } = this.parts;
    if (ordering === 'partition') return '';
    return ordering === 'none' || key === null ? null : key.toString('latin1');
  }

  private enqueue(lane: Lane): void {
    const { work } = lane.tasks.first!;
    if (work.predecessor === null) this.ready.push(lane);
    else work.held.push(lane);
  }

  private begin(task: Task): void {
    this.running++;
    task.work.began();
    const end = (): void => {
      this.running--;
      task.work.ended();
    };
    this.parts.attempt(task).then(
      (outcome) => {
        this.settle(task, outcome);
        end();
        this.dispatch();
      },
      (error: unknown) => {
        end();
        this.parts.failed(asError(error));
      },
    );
  }

  private settle(task: Task, outcome: AttemptOutcome): void {
    const { work } = task;
    if (work.isGone) {
      this.staleCompletions++;
    } else if (outcome === 'done') {
      this.finish(task);
    } else if (!work.isClosing) {
      this.retryLater(task, outcome.retryAfterMs);
    }
  }

  private retryLater({ work, lane }: Task, delayMs: number): void {
    const timer = this.parts.timers.after(delayMs, () => {
      work.retries.delete(timer);
      this.ready.push(lane);
      this.dispatch();
    });
    work.retries.add(timer);
  }

  private finish({ work, lane, entry, sizeBytes }: Task): void {
    lane.tasks.shift();
    work.frontier.complete(entry);
    work.sizeBytes -= sizeBytes;
    work.isDirty = true;
    if (lane.tasks.length > 0) this.ready.push(lane);
    else if (lane.name !== null) work.lanes.delete(lane.name);
    this.parts.done(work);
  }

  /** The predecessor's handlers have ended: what waited for that may begin. */
  release(work: PartitionWork): void {
    work.predecessor = null;
    for (const lane of work.held.splice(0)) this.ready.push(lane);
    this.dispatch();
  }
}
