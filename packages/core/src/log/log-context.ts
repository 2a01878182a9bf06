import type { Clock, Timers } from '../ports/clock.ts';
import { codecsAtOnce, type Codecs } from '../ports/codecs.ts';
import type { Disk } from '../ports/disk.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Random } from '../ports/random.ts';
import { DelayedRemovals } from './delayed-removals.ts';
import { DirectorySyncs } from './directory-syncs.ts';
import { LaterReplacements } from './later-replacements.ts';
import type { OpenFiles } from './open-files.ts';

/** What every log of a broker is given from outside. */
export interface LogContext {
  readonly disk: Disk;
  readonly files: OpenFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly removals: DelayedRemovals;
  readonly replacements: LaterReplacements;
  readonly directorySyncs: DirectorySyncs;
  readonly random: Random;
  readonly log: LogSink;
  readonly codecs: Codecs;
}

/** What of it comes from outside; without codecs they are those that work at once. */
export type LogPorts = Pick<LogContext, 'disk' | 'clock' | 'timers' | 'random' | 'log'> &
  Partial<Pick<LogContext, 'codecs'>>;

/** The context of logs that share their files and what is done for them later. */
export function logContextOf(ports: LogPorts, files: OpenFiles): LogContext {
  return {
    codecs: codecsAtOnce,
    ...ports,
    files,
    removals: new DelayedRemovals(ports.timers),
    replacements: new LaterReplacements(ports.disk),
    directorySyncs: new DirectorySyncs(ports.disk),
  };
}
