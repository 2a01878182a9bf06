/**
 * Real processes and real file systems: kills under load, and a disk that fills up. Not in `npm test`, because it takes
 * half a minute and wants to mount.
 *
 *     npm run test:kills [-- --rounds 12]
 */
import { parseArgs } from 'node:util';
import { fullDisk } from './full-disk.ts';
import { killLoop } from './kill-loop.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '12' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds ${values.rounds}: 1 or more is wanted`);

console.log(`${rounds} kills under load`);
await killLoop(rounds);
if (!(await fullDisk())) {
  console.log('NOT RUN: the full disk, which needs the right to mount a tmpfs');
  if (process.env['CI'] !== undefined) process.exitCode = 1;
}
