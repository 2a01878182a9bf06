/**
 * The patterns under kill -9, with real processes and real stores. Not in `npm test`, because it takes minutes.
 *
 *     npm run test:patterns [-- --only parallel --kills 6 --seed 1]
 *
 * Dead letters are looked at on each `--target kafka-3.9,kafka-4.4,odradek`, the others on Odradek.
 */
import { parseArgs } from 'node:util';
import { parseTargetName } from '../../interop/targets/start-target.ts';
import { targetNames } from '../../interop/targets/target.ts';
import { deadLetterKills } from './dead-letter-kills.ts';
import { idempotentKills } from './idempotent-kills.ts';
import { outboxKills } from './outbox-kills.ts';
import { parallelKills } from './parallel-kills.ts';
import { spoolKills } from './spool-kills.ts';
import { sqliteOutboxKills } from './sqlite-outbox-kills.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    kills: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    target: { type: 'string', default: targetNames.join(',') },
  },
});

const kills = wholeNumber('kills', values.kills);
const seed = wholeNumber('seed', values.seed);
const targets = values.target.split(',').map(parseTargetName);

const suites: Readonly<Record<string, () => Promise<void>>> = {
  parallel: () => parallelKills(kills, seed),
  spool: () => spoolKills(2 * kills, seed),
  outbox: () => outboxKills(2 * kills, seed),
  'outbox-in-sqlite': () => sqliteOutboxKills(2 * kills, seed),
  idempotent: () => idempotentKills(kills, seed),
  'dead-letters': () => deadLetterKills(kills, seed, targets),
};

const chosen = values.only === undefined ? Object.keys(suites) : [values.only];
console.log(`seed ${seed}, ${kills} kills each`);
for (const name of chosen) {
  const suite = suites[name];
  if (suite === undefined) {
    throw new Error(`--only ${name}: there is no such suite, only ${Object.keys(suites).join(', ')}`);
  }
  const begin = performance.now();
  console.log(name);
  await suite();
  console.log(`  passed, ${((performance.now() - begin) / 1_000).toFixed(1)} s`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`--${name} ${text}: a whole number from 1 on is wanted`);
}
