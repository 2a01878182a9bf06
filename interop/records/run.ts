/**
 * Proves records, compression, conversion and the validation of produced batches against Apache Kafka's own
 * classes (3.9). Needs Java and, the first time, Maven.
 *
 *     node interop/records/run.ts [--count 1500] [--seed 1]
 *     node interop/records/run.ts --write-vectors     renews the vectors that `npm test` compares with
 *
 * `count` cases each of:
 * 1. Written by Java, every format and codec: read by ours with the same contents; written by ours with the
 *    same bytes before compression.
 * 2. Written by ours: read by Java with the same contents.
 * 3. A stretch of a log for a fetch of an old client: converted as Java converts it.
 * 4. Produced batches, honest and not: accepted as by Java's LogValidator with the same result, or refused with
 *    the same error code and records. Where Java's code is the unspecific -1, any refusal is right.
 */
import { parseArgs } from 'node:util';
import { closeWith } from '../closing-line.ts';
import { Dice, encodeCase, logStretch, validateCase, writeCase } from './cases.ts';
import {
  compareConversion,
  compareReading,
  compareValidation,
  compareWriting,
  type Verdict,
} from './comparison.ts';
import { askKafka } from './oracle.ts';
import { writeVectors } from './vectors.ts';

const FAILURES_SHOWN = 10;

let passed = 0;
let failed = 0;

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '1500' },
    seed: { type: 'string', default: '1' },
    'write-vectors': { type: 'boolean', default: false },
  },
});
const count = Number(options.count);
const seed = Number(options.seed);

if (options['write-vectors']) {
  writeVectors();
} else {
  const dice = new Dice(seed);
  const times = <T>(make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  console.log(`seed ${seed}, ${count} cases of each kind`);
  const writes = times((i) => writeCase(dice, (i % 3) as 0 | 1 | 2));
  const written = writes.map(encodeCase);
  const stretches = times((i) => ({ ...logStretch(dice), toMagic: (i % 2) as 0 | 1 }));
  const produced = times(() => validateCase(dice));
  const comparisons = {
    'Kafka writes, ours reads': compareWriting(writes),
    'ours writes, Kafka reads': compareReading(written),
    'conversion for old fetches': compareConversion(stretches),
    'validation of produced batches': compareValidation(produced),
  };
  const answers = askKafka(Object.values(comparisons).flatMap((comparison) => comparison.requests));
  let at = 0;
  for (const [name, { requests, judge }] of Object.entries(comparisons)) {
    report(name, judge(answers.slice(at, at + requests.length)));
    at += requests.length;
  }
  closeWith(passed, failed);
}

function report(name: string, verdicts: readonly Verdict[]): void {
  const failures = verdicts.filter((verdict) => verdict.problem !== null);
  const kinds = new Map<string, number>();
  for (const { kind } of verdicts) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const summary = [...kinds].toSorted().map(([kind, n]) => `${kind} ${n}`);
  console.log(
    `${name}: ${verdicts.length - failures.length} of ${verdicts.length} equal (${summary.join(', ')})`,
  );
  for (const { problem, request } of failures.slice(0, FAILURES_SHOWN)) {
    console.log(`  ${problem}\n    ${request.join(' ').slice(0, 600)}`);
  }
  passed += verdicts.length - failures.length;
  failed += failures.length;
}
