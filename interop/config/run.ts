/**
 * Compares settings with Apache Kafka 3.9. Needs Java and, the first time, Maven.
 *
 *     node interop/config/run.ts
 *
 * 1. Every definition: name, type, default, importance, update mode, the broker's names of topic settings.
 * 2. Values, good and bad, put to every setting: taken or refused alike, and shown alike.
 * 3. A running Kafka and a running Odradek: the same changes and questions by the wire protocol, the answers
 *    compared setting by setting and error code by error code.
 */
import { closeWith } from '../closing-line.ts';
import { definitionDifferences, valueDifference, valueQuestions } from './definition-comparison.ts';
import { liveDifferences } from './live-comparison.ts';
import { askKafka } from './oracle.ts';

const SHOWN_MAX = 200;

let passed = 0;
let failed = 0;

const questions = valueQuestions();
const { definitions, answers } = askKafka(questions);
report(definitions.length, 'definitions', definitionDifferences(definitions));
const differences = questions.flatMap((question, at) => valueDifference(question, answers[at]!) ?? []);
report(questions.length, 'values', differences);
const live = await liveDifferences();
report(live.compared, 'answers of running brokers', live.differences);
closeWith(passed, failed);

function report(compared: number, what: string, found: readonly string[]): void {
  console.log(`${compared} ${what}: ${found.length === 0 ? 'equal' : `${found.length} differ`}`);
  for (const difference of found.slice(0, SHOWN_MAX)) console.log(`  ${difference}`);
  passed += Math.max(compared - found.length, 0);
  failed += found.length;
}
