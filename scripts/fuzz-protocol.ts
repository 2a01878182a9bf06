/**
 * Reads mutated frames of every message and version until `count` are done.
 *
 *     node scripts/fuzz-protocol.ts --count 1000000 --seed 42
 *
 * Without a seed it takes one from the clock and says which. Fails with the frames that were neither read nor
 * refused as they should be.
 */
import { parseArgs } from 'node:util';
import { fuzzMessages } from '../packages/protocol/test/fuzz/fuzz-messages.ts';

const FAILURES_SHOWN = 20;

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string' } },
});
const count = naturalNumber('count', values.count);
const seed = naturalNumber('seed', values.seed ?? String(Date.now() % 1_000_000_000));

console.log(`${count} frames, seed ${seed}`);
const { refused, read, failures } = await fuzzMessages(count, seed);
console.log(`${refused} refused, ${read} read, ${failures.length} failures`);
for (const failure of failures.slice(0, FAILURES_SHOWN)) console.log(`  ${failure}`);
if (failures.length > 0) process.exitCode = 1;

function naturalNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} ${text}: a number from 0 to 999999999 is wanted`);
  return Number(text);
}
