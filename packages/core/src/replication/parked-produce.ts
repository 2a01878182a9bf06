import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Timer, Timers } from '../ports/clock.ts';
import type { ParkedRequest } from './parked-fetch.ts';
import type { Partition } from './partition.ts';

/**
 * An append that waits to be acknowledged: for the high watermark, with acks=all, or for a sync. Answers 0 when it may
 * be, the error when the leadership ended meanwhile, the in-sync set became too small or the disk failed;
 * REQUEST_TIMED_OUT when the time was up: the records may still be committed later.
 */
export class ParkedProduce implements ParkedRequest {
  private readonly partition: Partition;
  private readonly outcome: () => number | null;
  private readonly timer: Timer;
  private done: ((errorCode: number) => void) | null;
  private readonly onEnd: (parked: ParkedProduce) => void;

  /** @param outcome error code or 0 once the append can be answered, else null */
  constructor(
    partition: Partition,
    outcome: () => number | null,
    timeoutMs: number,
    timers: Timers,
    done: (errorCode: number) => void,
    onEnd: (parked: ParkedProduce) => void,
  ) {
    this.partition = partition;
    this.outcome = outcome;
    this.done = done;
    this.onEnd = onEnd;
    partition.watchers.add(this.wake);
    this.timer = timers.after(timeoutMs, () => this.answer(ErrorCode.REQUEST_TIMED_OUT));
  }

  complete(): void {
    this.answer(ErrorCode.REQUEST_TIMED_OUT);
  }

  cancel(): void {
    if (this.done === null) return;
    this.done = null;
    this.end();
  }

  private readonly wake = (): void => {
    const outcome = this.outcome();
    if (outcome !== null) this.answer(outcome);
  };

  private answer(errorCode: number): void {
    const done = this.done;
    if (done === null) return;
    this.done = null;
    this.end();
    done(errorCode);
  }

  private end(): void {
    this.timer.cancel();
    this.partition.watchers.remove(this.wake);
    this.onEnd(this);
  }
}
