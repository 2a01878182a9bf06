// Our client and command line against Apache Kafka 3.9 and 4.4 and against Odradek: the same cases, which must pass
// with each of them. Needs Java and, the first time, Maven.
//   npm run prove:our-client -- [--target odradek,kafka-3.9,kafka-4.4] [--case text]
import { parseArgs } from 'node:util';
import { closeWith } from '../closing-line.ts';
import { parseTargetName, startTarget } from '../targets/start-target.ts';
import { targetNames } from '../targets/target.ts';
import { blockedLoopCases } from './blocked-loop-cases.ts';
import { clientCases } from './client-cases.ts';
import { commandLineCases } from './command-line-cases.ts';
import { documentationCases } from './documentation-case.ts';
import { servedApis } from './served-apis.ts';
import { topicPatternCases } from './topic-pattern-cases.ts';
import { transactionCases } from './transaction-cases.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: targetNames.join(',') },
    case: { type: 'string', default: '' },
  },
});
const cases = [
  ...commandLineCases,
  ...clientCases,
  ...blockedLoopCases,
  ...topicPatternCases,
  ...transactionCases,
  ...documentationCases,
].filter(({ name }) => name.includes(values.case));
/** Sessions that tests can outlast. */
const QUICK_CONSUMER_GROUPS = {
  'group.consumer.heartbeat.interval.ms': '300',
  'group.consumer.min.heartbeat.interval.ms': '100',
  'group.consumer.session.timeout.ms': '1500',
  'group.consumer.min.session.timeout.ms': '1000',
};
let passed = 0;
let failed = 0;

for (const name of values.target.split(',').map(parseTargetName)) {
  const target = await startTarget(name, {
    quickStart: true,
    overrides: {
      'group.initial.rebalance.delay.ms': '0',
      'group.min.session.timeout.ms': '1000',
      ...(name === 'kafka-4.4' ? QUICK_CONSUMER_GROUPS : {}),
    },
  });
  console.log(`${name} answers on ${target.bootstrap}`);
  const served = await servedApis(target.bootstrap);
  try {
    for (const { name: what, needs, refusedBy = [], run } of cases) {
      if ((needs !== undefined && !served.has(needs.key)) || refusedBy.includes(name)) {
        console.log(`  not served: ${what}`);
        continue;
      }
      const beginMs = performance.now();
      const failure = await run(target).then(
        () => null,
        (error: unknown) => error,
      );
      const seconds = ((performance.now() - beginMs) / 1_000).toFixed(1);
      console.log(`  ${failure === null ? 'ok  ' : 'FAIL'} ${what}, ${seconds} s`);
      if (failure === null) passed++;
      else {
        failed++;
        console.log(`       ${failure instanceof Error ? failure.message : String(failure)}`);
      }
    }
  } finally {
    await target.stop();
  }
}
closeWith(passed, failed);
