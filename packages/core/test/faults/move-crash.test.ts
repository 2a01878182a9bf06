import { it } from 'node:test';
import { enumerateCrashes } from './crash-runner.ts';
import { enumerateFaults } from './fault-runner.ts';

/** Logs move between two data directories under the same load; a longer run: npm run test:faults. */
const SETTINGS = [
  { flushMessages: 1, truncates: false, moves: true },
  { flushMessages: 3, truncates: true, moves: true },
  { flushMessages: Infinity, truncates: true, moves: true },
];

it('whatever the moment of a crash during a move, a start finds all that was promised and nothing else', (t) => {
  let crashes = 0;
  for (const [seed, settings] of SETTINGS.entries()) {
    crashes += enumerateCrashes({ seed: 40 + seed, stepCount: 22, powerLosses: 1, settings });
  }
  t.diagnostic(`${crashes} crashes recovered from`);
});

for (const code of ['EIO', 'ENOSPC']) {
  it(`whichever operation of a move fails with ${code}, what was acknowledged is there afterwards`, (t) => {
    let faults = 0;
    for (const [seed, settings] of SETTINGS.entries()) {
      faults += enumerateFaults({ seed: 140 + seed, stepCount: 26, settings, code, stride: 7 });
    }
    t.diagnostic(`${faults} faults`);
  });
}
