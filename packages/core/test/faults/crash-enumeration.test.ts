import { it } from 'node:test';
import { enumerateCrashes } from './crash-runner.ts';
import { enumerateFaults } from './fault-runner.ts';

/** A longer run over more seeds: npm run test:faults. */
const SETTINGS = [
  { flushMessages: 1, truncates: false, moves: false },
  { flushMessages: 3, truncates: true, moves: false },
  { flushMessages: Infinity, truncates: true, moves: false },
];

it('whatever the moment of a crash, a start finds all that was promised and nothing else', (t) => {
  let crashes = 0;
  for (const [seed, settings] of SETTINGS.entries()) {
    crashes += enumerateCrashes({ seed, stepCount: 24, powerLosses: 1, settings });
  }
  t.diagnostic(`${crashes} crashes recovered from`);
});

for (const code of ['EIO', 'ENOSPC']) {
  it(`whichever operation fails with ${code}, what was acknowledged is there afterwards`, (t) => {
    let faults = 0;
    for (const [seed, settings] of SETTINGS.entries()) {
      faults += enumerateFaults({ seed: 100 + seed, stepCount: 30, settings, code, stride: 3 });
    }
    t.diagnostic(`${faults} faults`);
  });
}
