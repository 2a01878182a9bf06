import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import type { LogManager } from '../../src/log/log-manager.ts';
import { ManualTime, batch } from '../log/log-world.ts';
import { checkRecovered } from './crash-check.ts';
import { CrashWorld, resumeMoves } from './crash-world.ts';
import type { WorldSettings } from './crash-world.ts';
import type { Expectation, Life, LogHistory } from './log-history.ts';
import { SeededRandom } from '@odradek/testing/seeded-random.ts';
import type { Io, SimulatedDisk } from '@odradek/testing/disk/simulated-disk.ts';

/** What to do to a seed's workload. */
export interface CrashRun {
  readonly seed: number;
  /** Operations on the logs. */
  readonly stepCount: number;
  /** Losses of power tried at each crash point. */
  readonly powerLosses: number;
  readonly settings: WorldSettings;
}

/** A check that failed, with what is needed to see it again. */
export class CrashFailure extends Error {
  override readonly name = 'CrashFailure';

  constructor(where: string, cause: unknown) {
    super(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const CHANGING = new Set<string>([
  'create',
  'append',
  'write',
  'truncate',
  'sync',
  'rename',
  'remove',
  'make-directory',
  'sync-directory',
]);

/**
 * Runs a workload and, before every operation of the disk that changes something, sees what a start would make
 * of a crash at that moment: of the process, of the process in the midst of a write, and of the power in several
 * ways; and of a second crash during that start.
 *
 * @returns how many crashes were recovered from
 * @throws CrashFailure
 */
export function enumerateCrashes(run: CrashRun): number {
  const world = new CrashWorld(run.seed, run.settings);
  const visitor = new CrashVisitor(world, run);
  world.disk.before = visitor.before;
  world.start();
  for (let step = 0; step < run.stepCount; step++) {
    visitor.step = step;
    performStep(world);
    visitor.restartIfStopped();
  }
  return visitor.crashCount;
}

class CrashVisitor {
  crashCount = 0;
  step = -1;
  private ioCount = 0;
  private readonly world: CrashWorld;
  private readonly run: CrashRun;
  private readonly random: SeededRandom;

  constructor(world: CrashWorld, run: CrashRun) {
    this.world = world;
    this.run = run;
    this.random = new SeededRandom(run.seed ^ 0x5bd1e995);
  }

  restartIfStopped(): void {
    if (!this.world.isStopped) return;
    this.world.start();
  }

  readonly before = (io: Io): null => {
    if (!CHANGING.has(io.kind)) return null;
    this.ioCount++;
    const where = `seed ${this.run.seed}, step ${this.step}, before operation ${this.ioCount} (${io.kind} ${io.path})`;
    this.recover(this.world.disk.afterProcessCrash(), 'process', `${where}, process crash`);
    this.crashWithinWrite(io, where);
    for (let i = 0; i < this.run.powerLosses; i++) {
      const seed = this.random.below(2 ** 31);
      this.recover(this.world.disk.afterPowerLoss(seed), 'power', `${where}, power loss ${seed}`);
    }
    return null;
  };

  private crashWithinWrite(io: Io, where: string): void {
    if (io.bytes === undefined || io.bytes.length < 2) return;
    const disk = this.world.disk.afterProcessCrash();
    // The directory was renamed under the open file.
    if (disk.list(io.path.slice(0, io.path.lastIndexOf('/'))) === null) return;
    const written = 1 + this.random.below(io.bytes.length - 1);
    disk.open(io.path).append([io.bytes.subarray(0, written)]);
    this.recover(disk, 'process', `${where}, process crash after ${written} bytes`);
  }

  private recover(disk: SimulatedDisk, kind: 'process' | 'power', where: string): void {
    this.crashCount++;
    try {
      const again = this.random.chance(0.25) ? this.random.below(30) : -1;
      let during: SimulatedDisk | null = null;
      let count = 0;
      disk.before = (io) => {
        if (!CHANGING.has(io.kind) || count++ !== again) return null;
        during = kind === 'process' ? disk.afterProcessCrash() : disk.afterPowerLoss(again);
        return null;
      };
      checkStart(this.world, disk, kind, this.random.chance(0.2));
      if (during === null) return;
      this.crashCount++;
      checkStart(this.world, during, kind, true);
    } catch (error) {
      throw new CrashFailure(where, error);
    }
  }
}

/** Starts a broker's logs on what is left, and checks every one of them. */
export function checkStart(
  world: CrashWorld,
  disk: SimulatedDisk,
  kind: 'process' | 'power',
  goesOn: boolean,
): void {
  const time = new ManualTime(world.time.now());
  const manager = world.managerOn(disk, time);
  manager.open();
  disk.before = () => null;
  checkLogs(world, manager, kind);
  if (!goesOn) return;
  if (world.settings.moves) {
    resumeMoves(manager, world.histories);
    for (let i = 0; i < 20; i++) {
      disk.completeLater();
      time.advance(0);
    }
    checkLogs(world, manager, kind);
  }
  checkGoesOn(world, manager, disk);
}

function checkLogs(world: CrashWorld, manager: LogManager, kind: 'process' | 'power'): void {
  for (const history of world.histories) {
    try {
      checkRecovered(logOf(manager, history), expectationOf(world, history, kind));
    } catch (error) {
      throw new CrashFailure(`${history.topic}-${history.partition}`, error);
    }
  }
}

/** The log as the broker takes it, which knows the topic id. */
function logOf(manager: LogManager, { topic, partition, topicId }: LogHistory): PartitionLog | null {
  const log = manager.log(topic, partition);
  if (log === null || topicId === null) return log;
  // No record may be there of which nobody can say what topic it is of.
  if (log.topicId === null && log.logEndOffset > 0) return log;
  try {
    return manager.getOrCreate(topic, partition, topicId, false);
  } catch (error) {
    // The topic's former log is back, and the one that was made in its place is gone.
    if (error instanceof KafkaError && error.code === ErrorCode.INCONSISTENT_TOPIC_ID) return log;
    throw error;
  }
}

export function expectationOf(
  world: CrashWorld,
  history: LogHistory,
  kind: 'process' | 'power',
): Expectation {
  if (kind === 'process') return history.afterProcessCrash();
  const log = world.logOf(history);
  // A log of the topic's former life, which nobody has told the broker to put aside, promises nothing.
  const recoveryPoint = log !== null && log.topicId === history.topicId ? log.recoveryPoint : 0;
  return history.afterPowerLoss(recoveryPoint, recoveryPoint > 0);
}

/** A recovered log takes appends, and keeps what it flushed then through the next loss of power. */
function checkGoesOn(world: CrashWorld, manager: LogManager, disk: SimulatedDisk): void {
  const ends = new Map<LogHistory, number>();
  for (const history of world.histories) {
    const log = manager.log(history.topic, history.partition);
    if (log === null) continue;
    log.appendAsLeader(batch(['after the crash']), { leaderEpoch: 1000, origin: 'client' });
    log.flush();
    ends.set(history, log.logEndOffset);
  }
  const next = world.managerOn(disk.afterPowerLoss(ends.size));
  next.open();
  for (const [history, end] of ends) {
    const log = logOf(next, history);
    if (log?.logEndOffset !== end) {
      throw new Error(
        `${history.topic}-${history.partition}: flushed up to ${end}, found ${log?.logEndOffset}`,
      );
    }
  }
}

/** The lives that go on, for a workload that continues after a crash. */
export function settleAll(world: CrashWorld, expected: Map<LogHistory, Expectation>): void {
  for (const history of world.histories) {
    const log = world.logOf(history);
    const life: Life | null = checkRecovered(log, expected.get(history)!);
    history.settle(life);
  }
}

/** One operation, chosen by the world's seed. */
export function performStep(world: CrashWorld): void {
  const { random } = world;
  const history = random.pick(world.histories);
  if (!history.exists) return world.create(history);
  if (!world.isUsable(history)) return;
  if (world.settings.moves && random.chance(0.15)) return world.move(history);
  const dice = random.below(100);
  if (dice < 55) world.append(history);
  else if (dice < 61) world.flush(history);
  else if (dice < 66) world.logOf(history)!.flushLater(() => {});
  else if (dice < 72) world.settleLater();
  else if (dice < 75) world.logOf(history)!.roll();
  else if (dice < 79) world.deleteRecords(history);
  else if (dice < 82) world.retain(history);
  else if (dice < 84) world.time.advance(60);
  else if (dice < 86) world.becomeLeader(history);
  else if (dice < 88) world.manager.checkpointRecoveryPointsLater();
  else if (dice < 89) world.manager.checkpointRecoveryPoints();
  else if (dice < 90) world.manager.checkpointLogStartOffsetsLater();
  else if (dice < 91) world.manager.checkpointLogStartOffsets();
  else if (dice < 92) world.manager.checkpointHighWatermarksLater();
  else if (dice < 94) world.delete(history);
  else if (dice < 96) world.stopCleanly();
  else if (world.settings.truncates) world.truncate(history);
}
