// A cluster in virtual time: `npm run simulate -- --seeds 1..50`. See docs/simulator.md.
import { parseArgs } from 'node:util';
import { BROKEN_RULES } from '@odradek/testing/simulator/bugs/broken-rules.ts';
import { type BugName, KNOWN_BUGS, knownBug } from '@odradek/testing/simulator/bugs/known-bugs.ts';
import { describeFault } from '@odradek/testing/simulator/faults/fault.ts';
import { shortestFailure } from '@odradek/testing/simulator/faults/shrink.ts';
import type { Outcome } from '@odradek/testing/simulator/outcome.ts';
import type { ProblemName } from '@odradek/testing/simulator/checkers/problem.ts';
import type { Scenario } from '@odradek/testing/simulator/scenarios/scenario.ts';
import { playScenario, SCENARIOS } from '@odradek/testing/simulator/scenarios/scenarios.ts';
import { simulate } from '@odradek/testing/simulator/simulate.ts';

const USAGE = `npm run simulate -- [--seeds A..B | --minutes N | --scenario ROW | --scenarios | --broken-rules | --bugs]
                        [--brokers N] [--twice] [--trace]

  --seeds A..B   runs these seeds, both included; 1..20 unless given
  --minutes N    goes on with new seeds for so long
  --scenarios    plays faults that systems of this kind had, with seeds 1 to 3 each
  --scenario ROW the same for one of them, such as F05
  --broken-rules plays each with the rule broken that prevents it, and fails when that is not seen
  --bugs         switches known bugs on, one after the other, and fails when one is not found
  --bug NAME     the same for one of them; with --trace its shortest failure as well
  --brokers N    with so many brokers, 3 to 9; 3 unless given
  --twice        runs each seed twice and compares the hashes of the traces
  --trace        prints the trace of each run, also where all is well`;

/** Each scenario is played with so many. */
const SCENARIO_SEEDS = 3;

const options = parse();

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '1..20' },
        minutes: { type: 'string' },
        scenarios: { type: 'boolean', default: false },
        scenario: { type: 'string' },
        'broken-rules': { type: 'boolean', default: false },
        bugs: { type: 'boolean', default: false },
        bug: { type: 'string' },
        brokers: { type: 'string', default: '3' },
        twice: { type: 'boolean', default: false },
        trace: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) end(USAGE, 0);
    const range = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seeds);
    if (range === null) end(`--seeds is "${values.seeds}", allowed is A..B or one number\n\n${USAGE}`, 2);
    const minutes = values.minutes === undefined ? null : Number(values.minutes);
    if (minutes !== null && !(minutes > 0))
      end(`--minutes is "${values.minutes}", allowed is a number above 0`, 2);
    const brokers = Number(values.brokers);
    if (!(Number.isInteger(brokers) && brokers >= 3 && brokers <= 9))
      end(`--brokers is "${values.brokers}", allowed is a whole number from 3 to 9`, 2);
    const names = Object.keys(KNOWN_BUGS);
    if (values.bug !== undefined && !names.includes(values.bug))
      end(`--bug is "${values.bug}", allowed are ${names.join(', ')}`, 2);
    const rows = SCENARIOS.map(({ row }) => row);
    if (values.scenario !== undefined && !rows.some((row) => row.includes(values.scenario!)))
      end(`--scenario is "${values.scenario}", allowed are ${rows.join(', ')}`, 2);
    const first = Number(range[1]);
    return {
      first,
      last: Number(range[2] ?? first),
      minutes,
      brokers,
      bugs: (values.bugs ? names : values.bug === undefined ? [] : [values.bug]) as BugName[],
      scenario: values.scenarios ? '' : (values.scenario ?? null),
      brokenRules: values['broken-rules'],
      twice: values.twice,
      trace: values.trace,
    };
  } catch (error) {
    return end(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`, 2);
  }
}

function end(text: string, code: number): never {
  (code === 0 ? console.log : console.error)(text);
  process.exit(code);
}

const begin = performance.now();
let runs = 0;
let failures = 0;
let livedMs = 0;

function* seeds(): Generator<number> {
  const { first, last, minutes } = options;
  for (
    let seed = first;
    minutes === null ? seed <= last : performance.now() - begin < minutes * 60_000;
    seed++
  ) {
    yield seed;
  }
}

if (options.bugs.length > 0) await proveBugsAreFound();
if (options.brokenRules) await proveRulesMatter();
if (options.scenario !== null) await playScenarios(options.scenario);

for (const seed of seeds()) {
  const outcome = await simulate({ seed, brokers: options.brokers });
  runs += 1;
  livedMs += outcome.livedMs;
  if (options.trace) console.log(outcome.trace.join('\n'));
  if (outcome.problems.length > 0) {
    failures += 1;
    await report(outcome);
  } else if (options.twice) await compare(outcome);
}

const seconds = ((performance.now() - begin) / 1000).toFixed(0);
const hours = (livedMs / 3_600_000).toFixed(1);
end(`${runs} seeds, ${hours} hours of clusters, ${failures} failed, ${seconds} s`, failures === 0 ? 0 : 1);

/** Without a bug the seeds must pass: that is what the other runs show. */
async function proveBugsAreFound(): Promise<never> {
  let missed = 0;
  for (const bug of options.bugs) {
    const found = await seedThatFinds(bug);
    if (found === null) missed += 1;
    console.log(`${bug}: ${found ?? `NOT FOUND within ${knownBug(bug).foundWithin} seeds`}`);
  }
  end(`${options.bugs.length} known bugs, ${missed} missed`, missed === 0 ? 0 : 1);
}

/** Seed after seed until all is seen that the bug must show. @returns null: it was not */
async function seedThatFinds(bug: BugName): Promise<string | null> {
  const { shows, foundWithin } = knownBug(bug);
  const seen = new Set<ProblemName>();
  for (let seed = 1; seed <= foundWithin; seed++) {
    const outcome = await simulate({ seed, bug });
    if (outcome.problems.length === 0) continue;
    for (const { name } of outcome.problems) seen.add(name);
    if (shows.some((name) => !seen.has(name))) continue;
    if (options.trace) await report(outcome, bug);
    return `found with seed ${seed}, by ${[...seen].join(', ')}`;
  }
  const missed = shows.filter((name) => !seen.has(name));
  console.log(`${bug} has shown ${[...seen].join(', ')}, not ${missed.join(', ')}`);
  return null;
}

async function proveRulesMatter(): Promise<never> {
  let missed = 0;
  for (const { row, description, shows, install } of BROKEN_RULES) {
    const mend = install();
    const found = await seedThatShows(
      SCENARIOS.find((scenario) => scenario.row === row)!,
      shows,
    );
    mend();
    if (found === null) missed += 1;
    console.log(`${row} where ${description}: ${found ?? 'NOT SEEN'}`);
  }
  end(`${BROKEN_RULES.length} broken rules, ${missed} not seen`, missed === 0 ? 0 : 1);
}

async function seedThatShows(scenario: Scenario, shows: readonly ProblemName[]): Promise<string | null> {
  for (let seed = 1; seed <= SCENARIO_SEEDS; seed++) {
    const names = new Set((await playScenario(scenario, seed)).problems.map(({ name }) => name));
    if (shows.every((name) => names.has(name))) return `seen with seed ${seed}, by ${[...names].join(', ')}`;
    if (names.size > 0) console.log(`${scenario.row} with seed ${seed} shows ${[...names].join(', ')}`);
  }
  return null;
}

async function playScenarios(row: string): Promise<never> {
  let failed = 0;
  for (const scenario of SCENARIOS.filter((each) => each.row.includes(row))) {
    for (let seed = 1; seed <= SCENARIO_SEEDS; seed++) {
      const { problems, trace } = await playScenario(scenario, seed);
      const verdict = problems.length === 0 ? 'passed' : `FAILED: ${problems[0]!.name}`;
      console.log(`${scenario.row} with seed ${seed} ${verdict}: ${scenario.name}`);
      if (problems.length > 0) failed += 1;
      if (problems.length > 0 || options.trace) console.log(trace.map((line) => `    ${line}`).join('\n'));
    }
  }
  end(`${failed} failed`, failed === 0 ? 0 : 1);
}

async function compare({ seed, traceHash }: Outcome): Promise<void> {
  const again = await simulate({ seed, brokers: options.brokers });
  if (again.traceHash === traceHash) return;
  failures += 1;
  console.log(`seed ${seed} is not repeatable: traces ${traceHash} and ${again.traceHash}`);
}

/** The failure with as few faults as it takes. */
async function report(failed: Outcome, bug?: BugName): Promise<void> {
  const { seed, faults, problems } = failed;
  const { brokers } = options;
  console.log(`seed ${seed} FAILED with ${faults.length} faults: ${problems[0]!.name}`);
  const shortest = await shortestFailure(failed, (fewer) =>
    simulate({ seed, brokers, faults: fewer, ...(bug === undefined ? {} : { bug }) }),
  );
  console.log(`  as few faults as it takes:`);
  for (const fault of shortest.faults) console.log(`    ${describeFault(fault)}`);
  for (const { name, description } of shortest.problems) console.log(`  ${name}: ${description}`);
  console.log(`  trace:\n${shortest.trace.map((line) => `    ${line}`).join('\n')}`);
}
