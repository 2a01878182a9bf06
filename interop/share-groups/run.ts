// kill -9 of members of a share group and of the broker under them. Every number must have been handled; none may be
// handled after the broker has confirmed that it is accepted. Then the same while leaders move.
//   npm run test:share-groups -- [--kills 6] [--broker-kills 1] [--numbers 3000]
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { closeWith } from '../closing-line.ts';
import { Workers } from '../exactly-once/workers.ts';
import { startTarget } from '../targets/start-target.ts';
import { movingLeaders } from './moving-leaders.ts';
import { prepare, sendNumbers } from './share-group.ts';

const WORKERS = 3;
const PARTITIONS = 2;
const TOPIC = 'numbers';
const GROUP = 'workers';
const PAUSE_SPREAD_MS = 100;
const DEADLINE_MS = 100_000;
/** A broker that was killed may have lost what the state of the group said last; its locks run out after this. */
const LOCK_MS = 15_000;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '6' },
    'broker-kills': { type: 'string', default: '1' },
    numbers: { type: 'string', default: '3000' },
  },
});
const numbers = Number(values.numbers);
const kills = Number(values.kills);
const brokerKills = Number(values['broker-kills']);

interface Seen {
  readonly handled: ReadonlySet<number>;
  /** Handled again, before anybody was told that they are accepted. */
  readonly repeated: number;
  /** Handled again after that. */
  readonly afterAccepted: number;
}

function seenIn(file: string): Seen {
  const handled = new Set<number>();
  const accepted = new Set<string>();
  let repeated = 0;
  let afterAccepted = 0;
  // A line that a kill cut in two has no end.
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  for (const line of lines) {
    const [what, partition, offset, number] = line.split(' ');
    const key = `${partition} ${offset}`;
    if (what === 'accepted') {
      accepted.add(key);
      continue;
    }
    if (accepted.has(key)) afterAccepted++;
    else if (handled.has(Number(number))) repeated++;
    handled.add(Number(number));
  }
  return { handled, repeated, afterAccepted };
}

const directory = mkdtempSync(join(tmpdir(), 'odradek-share-'));
const file = join(directory, 'seen');
const target = await startTarget('kafka-4.4', {
  quickStart: true,
  overrides: {
    'group.share.session.timeout.ms': '6000',
    'group.share.min.session.timeout.ms': '6000',
    'group.share.heartbeat.interval.ms': '500',
    'group.share.min.heartbeat.interval.ms': '500',
  },
});
const beginMs = performance.now();
const complaints: string[] = [];
try {
  const { bootstrap } = target;
  const settings = { topic: TOPIC, groupId: GROUP, partitions: PARTITIONS };
  await prepare(bootstrap, settings, { 'share.record.lock.duration.ms': String(LOCK_MS) });
  await sendNumbers(bootstrap, TOPIC, PARTITIONS, { first: 0, count: numbers });
  const program = join(import.meta.dirname, 'worker.ts');
  const workers = new Workers(program, WORKERS, (slot) => [bootstrap, String(slot), TOPIC, GROUP, file]);
  const isLate = (): boolean => performance.now() - beginMs > DEADLINE_MS;
  try {
    for (let i = 1; i <= kills && !isLate(); i++) {
      const goal = (numbers * i) / (kills + 1);
      while (seenIn(file).handled.size < goal && !isLate()) await sleep(20);
      await sleep(Math.random() * PAUSE_SPREAD_MS);
      await workers.killOne();
      if (i % Math.ceil(kills / (brokerKills + 1)) !== 0 || i === kills) continue;
      await target.kill();
      await target.startAgain();
    }
    while (seenIn(file).handled.size < numbers && !isLate()) await sleep(100);
  } finally {
    await workers.stop();
  }
  const { handled, repeated, afterAccepted } = seenIn(file);
  console.log(
    `${kills} kills of members, ${brokerKills} of the broker, ${((performance.now() - beginMs) / 1_000).toFixed(0)} s: ` +
      `${numbers} in, ${handled.size} handled, ${repeated} of them again, ${afterAccepted} after they were accepted`,
  );
  if (handled.size !== numbers) complaints.push(`${numbers - handled.size} numbers were not handled`);
  if (afterAccepted > 0)
    complaints.push(`${afterAccepted} were handled after the broker had said they are done`);
  if (repeated === 0) complaints.push('no kill hit a record in work');
} finally {
  await target.stop();
  rmSync(directory, { recursive: true, force: true });
}
complaints.push(...(await movingLeaders()));
for (const complaint of complaints) console.log(`FAIL ${complaint}`);
closeWith(complaints.length === 0 ? 1 : 0, complaints.length);
