import { KafkaError, ErrorCode } from '@odradek/protocol/errors.ts';
import { DiskError } from '../../src/ports/disk.ts';
import { CrashFailure, checkStart, performStep } from './crash-runner.ts';
import { CrashWorld } from './crash-world.ts';
import type { WorldSettings } from './crash-world.ts';
import type { IoFault } from '@odradek/testing/disk/simulated-disk.ts';

export interface FaultRun {
  readonly seed: number;
  readonly stepCount: number;
  readonly settings: WorldSettings;
  /** How the operations fail, one in each run. */
  readonly code: string;
  /** Only every so many operations fails, to save time. */
  readonly stride: number;
}

/**
 * Lets every operation of the disk fail in turn, once, and goes on: whatever failed, what was acknowledged is there
 * after a crash of the process, and what was promised after a loss of power.
 *
 * @returns how many operations were made to fail
 * @throws CrashFailure
 */
export function enumerateFaults(run: FaultRun): number {
  let count = 0;
  for (let nth = 1; failOne(run, nth); nth += run.stride) count++;
  return count;
}

/** @returns whether there was such an operation */
function failOne({ seed, stepCount, settings, code }: FaultRun, nth: number): boolean {
  const world = new CrashWorld(seed, settings);
  let operations = 0;
  let failed = 'nothing';
  world.disk.before = (io): IoFault | null => {
    if (++operations !== nth) return null;
    failed = `${io.kind} ${io.path}`;
    return { code, writtenBytes: (nth * 37) % ((io.bytes?.length ?? 0) + 1) };
  };
  try {
    runSteps(world, stepCount, () => !failed.startsWith('sync'));
    const disk = world.disk.afterProcessCrash();
    // Where a sync failed the cache shows, even to the next process, what the disk will never have.
    checkStart(world, disk, 'process', !failed.startsWith('sync'));
    checkStart(world, world.disk.afterPowerLoss(nth), 'power', true);
  } catch (error) {
    throw new CrashFailure(`seed ${seed}, operation ${nth} (${failed}) fails with ${code}`, error);
  }
  return operations >= nth;
}

/** @param mayStart whether the next start would see what is on the disk, and not only what is in the cache */
function runSteps(world: CrashWorld, stepCount: number, mayStart: () => boolean): void {
  try {
    world.start();
    for (let step = 0; step < stepCount; step++) {
      takeStep(world);
      if (!world.isStopped) continue;
      if (!mayStart()) return;
      world.start();
    }
  } catch (error) {
    // A start that fails ends the broker.
    if (!(error instanceof DiskError)) throw error;
  }
}

function takeStep(world: CrashWorld): void {
  try {
    performStep(world);
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== ErrorCode.KAFKA_STORAGE_ERROR) throw error;
  }
}
