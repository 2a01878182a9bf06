import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Timer, Timers } from '../ports/clock.ts';
import type { ParkedRequest } from './parked-fetch.ts';
import type { Partition } from './partition.ts';

/**
 * An append with acks=all that waits for the high watermark to pass it. Answers 0 when it has, the error when
 * the leadership ended meanwhile or the in-sync set became too small, REQUEST_TIMED_OUT when the time was up: the records may still be committed
 * later.
 */
export class ParkedProduce implements ParkedRequest {
  private readonly partition: Partition;
  private readonly requiredOffset: number;
  private readonly leaderEpoch: number;
  private readonly timer: Timer;
  private done: ((errorCode: number) => void) | null;
  private readonly onEnd: (parked: ParkedProduce) => void;

  /** @param requiredOffset the high watermark that commits the append: one past its last record */
  constructor(
    partition: Partition,
    requiredOffset: number,
    timeoutMs: number,
    timers: Timers,
    done: (errorCode: number) => void,
    onEnd: (parked: ParkedProduce) => void,
  ) {
    this.partition = partition;
    this.requiredOffset = requiredOffset;
    this.leaderEpoch = partition.leaderEpoch;
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
    const outcome = this.partition.commitOutcome(this.requiredOffset, this.leaderEpoch);
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
