import { it } from 'node:test';
import { enumerateCrashes } from './crash-runner.ts';

it('whatever the moment of a crash, a start finds all that was promised and nothing else', (t) => {
  let crashes = 0;
  for (let seed = 1; seed <= 4; seed++) {
    crashes += enumerateCrashes({
      seed,
      stepCount: 30,
      powerLosses: 2,
      settings: { flushMessages: [Infinity, 1, 3][seed % 3]!, truncates: seed % 2 === 0 },
    });
  }
  t.diagnostic(`${crashes} crashes`);
});
