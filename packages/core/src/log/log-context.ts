import type { Clock, Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Random } from '../ports/random.ts';
import type { DelayedRemovals } from './delayed-removals.ts';
import type { OpenFiles } from './open-files.ts';

/** What every log of a broker is given from outside. */
export interface LogContext {
  readonly disk: Disk;
  readonly files: OpenFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly removals: DelayedRemovals;
  readonly random: Random;
  readonly log: LogSink;
}
