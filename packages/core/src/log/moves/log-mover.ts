import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { DiskError } from '../../ports/disk.ts';
import { CorruptCheckpointError } from '../checkpoints.ts';
import type { LogContext } from '../log-context.ts';
import type { PartitionLog } from '../partition-log.ts';
import { WorkRunner } from '../work.ts';
import type { Spent, Wait, Work } from '../work.ts';
import { LogMove, MoveEnded, type MoveParts } from './log-move.ts';
import { MoveBudget } from './move-budget.ts';

/** Before a move that the disk refused, or that ran into an error of its log, goes on. */
const RETRY_MS = 1000;

interface RunningMove {
  readonly move: LogMove;
  readonly finalDirectory: string;
  work: Work<void>;
  /** It is this one's turn. */
  isRunning: boolean;
  /** Monotonic time before which it does not go on. */
  pausedUntilMs: number;
}

/** Moves logs to other data directories, all of them a slice in turn, between all else that happens on the loop. */
export class LogMover {
  private readonly context: LogContext;
  private readonly runner: WorkRunner;
  private readonly budget: MoveBudget;
  /** By the log that is to be replaced. */
  private readonly moves = new Map<PartitionLog, RunningMove>();

  /** @param bytesPerSecond see MoveBudget */
  constructor(context: LogContext, bytesPerSecond: () => number) {
    this.context = context;
    this.budget = new MoveBudget(context.clock, bytesPerSecond);
    this.runner = new WorkRunner(context.clock, context.timers, () => 0);
  }

  isMoving(log: PartitionLog): boolean {
    return this.moves.has(log);
  }

  /**
   * Begins to fill `target`, or goes on with it, and puts it in the place of `source` when it has all.
   *
   * @param parts see MoveParts
   */
  begin(parts: Omit<MoveParts, 'context' | 'budget'>): void {
    const { source, finalDirectory } = parts;
    this.end(source);
    source.storage.interruptCleaning();
    const move = new LogMove({ ...parts, context: this.context, budget: this.budget });
    this.moves.set(source, { move, finalDirectory, work: move.run(), isRunning: false, pausedUntilMs: 0 });
    if (this.runner.isIdle) this.runner.run(this.runAll());
  }

  /** Leaves the target as it is. */
  end(source: PartitionLog): void {
    const running = this.moves.get(source);
    if (running === undefined) return;
    this.moves.delete(source);
    abandon(running);
    running.move.giveUp();
  }

  /** What is half done is found and goes on at the next start. */
  stop(): void {
    this.runner.stop();
    for (const running of this.moves.values()) abandon(running);
    this.moves.clear();
  }

  private *runAll(): Work<void> {
    while (this.moves.size > 0) {
      let hasRun = false;
      for (const [source, running] of [...this.moves]) {
        if (this.moves.get(source) !== running || this.isPaused(running)) continue;
        hasRun = true;
        yield* this.advance(source, running);
      }
      if (!hasRun) yield { begin: (resume) => void this.context.timers.after(RETRY_MS, resume) };
    }
  }

  private isPaused({ pausedUntilMs }: RunningMove): boolean {
    return this.context.clock.monotonic() < pausedUntilMs;
  }

  /** One step of one move. */
  private *advance(source: PartitionLog, running: RunningMove): Work<void> {
    const step = this.stepOf(source, running);
    if (step === null) return;
    if (step.done === true) this.moves.delete(source);
    else yield step.value;
  }

  /** @returns null when it failed */
  private stepOf(source: PartitionLog, running: RunningMove): IteratorResult<Spent | Wait, void> | null {
    running.isRunning = true;
    try {
      return running.work.next();
    } catch (error) {
      this.failed(source, running, error);
      return null;
    } finally {
      running.isRunning = false;
    }
  }

  private failed(source: PartitionLog, running: RunningMove, error: unknown): void {
    const facts = { from: source.directory, to: running.finalDirectory };
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof MoveEnded)
      this.context.log.info('The move of a log has ended without effect', facts);
    else if (isDamage(error)) this.context.log.error('A damaged log cannot be moved', { ...facts, reason });
    else if (!isOfDisk(error)) throw error;
    else if (source.isOpen && running.move.target.isOpen) {
      this.context.log.warn('A log could not be moved on, which is tried again', { ...facts, reason });
      running.work = running.move.run();
      running.pausedUntilMs = this.context.clock.monotonic() + RETRY_MS;
      return;
    }
    if (this.moves.get(source) === running) this.end(source);
  }
}

function isDamage(error: unknown): boolean {
  const isTold = error instanceof KafkaError && error.code === ErrorCode.CORRUPT_MESSAGE;
  return isTold || error instanceof MalformedBytesError || error instanceof CorruptCheckpointError;
}

/** The disk has refused or failed: whether it can go on, the logs tell. */
function isOfDisk(error: unknown): boolean {
  return error instanceof DiskError || error instanceof KafkaError;
}

/** What it waits for comes to nobody; what it holds is given back. */
function abandon({ work, isRunning }: RunningMove): void {
  if (!isRunning) work.return();
}
