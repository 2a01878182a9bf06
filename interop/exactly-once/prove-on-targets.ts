import { endTxnApi } from '@odradek/protocol/generated/apis/end-txn.ts';
import { closeWith } from '../closing-line.ts';
import { servedApis } from '../our-client/served-apis.ts';
import { parseTargetName, startTarget } from '../targets/start-target.ts';
import type { Target } from '../targets/target.ts';

/** Groups form and members are missed quickly; one broker keeps what is Kafka's own. */
const FOR_ONE_BROKER = {
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '100',
  'offsets.topic.replication.factor': '1',
};
const COMPLAINTS_SHOWN_MAX = 20;

/**
 * Runs a proof of transactions on each target that serves them, and says how many passed.
 *
 * @param names of the targets, between commas
 * @param overrides settings of their brokers beside those that let groups form quickly
 * @param prove returns complaints
 */
export async function proveOnTargets(
  names: string,
  overrides: Readonly<Record<string, string>>,
  prove: (target: Target) => Promise<readonly string[]>,
): Promise<void> {
  let [passed, failed] = [0, 0];
  for (const name of names.split(',').map(parseTargetName)) {
    const target = await startTarget(name, {
      quickStart: true,
      overrides: { ...FOR_ONE_BROKER, ...overrides },
    });
    try {
      if (!(await servedApis(target.bootstrap)).has(endTxnApi.key)) {
        console.log(`${name} does not serve transactions`);
        continue;
      }
      console.log(`${name}:`);
      const complaints = await prove(target);
      for (const complaint of complaints.slice(0, COMPLAINTS_SHOWN_MAX)) console.log(`  FAIL ${complaint}`);
      if (complaints.length === 0) passed++;
      else failed++;
    } finally {
      await target.stop();
    }
  }
  closeWith(passed, failed);
}
