/**
 * The log on a simulated disk: a crash before every operation, and every operation failing, for one seed after another
 * (packages/core/test/faults; `npm test` does a few seeds of it).
 *
 *     npm run test:faults -- --seeds 50            seeds 1 to 50
 *     npm run test:faults -- --minutes 10          as many as fit, from a seed that the clock gives
 *     npm run test:faults -- --from 17 --seeds 1   seed 17 again
 */
import { parseArgs } from 'node:util';
import { CrashFailure, enumerateCrashes } from '../../packages/core/test/faults/crash-runner.ts';
import { enumerateFaults } from '../../packages/core/test/faults/fault-runner.ts';

const STEPS = 40;
const FLUSH_MESSAGES = [1, 3, Infinity];
const FAILURES_MAX = 5;
/** What CI does, in some three minutes. */
const SEEDS_DEFAULT = 60;

const { values } = parseArgs({
  options: { from: { type: 'string' }, seeds: { type: 'string' }, minutes: { type: 'string' } },
});
const minutes = values.minutes === undefined ? Infinity : Number(values.minutes);
const count =
  values.seeds === undefined ? (minutes === Infinity ? SEEDS_DEFAULT : Infinity) : Number(values.seeds);
const first = Number(values.from ?? (values.minutes === undefined ? 1 : Date.now() % 1_000_000));
if ([minutes, count, first].some(Number.isNaN)) throw new Error('--from, --seeds and --minutes are numbers');

const deadline = performance.now() + minutes * 60_000;
let crashes = 0;
let faults = 0;
let failures = 0;
let seed = first;
for (; seed < first + count && performance.now() < deadline && failures < FAILURES_MAX; seed++) run(seed);
console.log(`seeds ${first} to ${seed - 1}: ${crashes} crashes, ${faults} faults, ${failures} failures`);
if (failures > 0) process.exitCode = 1;

function run(each: number): void {
  const settings = {
    flushMessages: FLUSH_MESSAGES[each % 3]!,
    truncates: each % 2 === 0,
    moves: each % 4 < 2,
  };
  try {
    crashes += enumerateCrashes({ seed: each, stepCount: STEPS, powerLosses: 2, settings });
    for (const code of ['EIO', 'ENOSPC']) {
      faults += enumerateFaults({ seed: each, stepCount: STEPS, settings, code, stride: 1 });
    }
  } catch (error) {
    if (!(error instanceof CrashFailure)) throw error;
    failures++;
    console.log(`${error.message}\n  again: npm run test:faults -- --from ${each} --seeds 1`);
  }
}
