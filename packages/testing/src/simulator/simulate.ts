import { type Circumstances, circumstancesBy, type GroupCircumstances } from './circumstances.ts';
import { type BugName, knownBug } from './bugs/known-bugs.ts';
import { judgeRecreated } from './checkers/recreated-topic.ts';
import { GroupMember } from './clients/group-member.ts';
import { GroupWorker } from './clients/group-worker.ts';
import type { Load } from './clients/load.ts';
import { ReadingClient } from './clients/reading-client.ts';
import { SendingClient } from './clients/sending-client.ts';
import { WatchingClient } from './clients/watching-client.ts';
import { describeFault, type Fault, scriptOf } from './faults/fault.ts';
import { planFaults } from './faults/fault-plan.ts';
import { FLEETING, LOOSE, ORDERS } from './operations/topics.ts';
import type { Outcome } from './outcome.ts';
import { SeededRandom } from '../seeded-random.ts';
import { Stage } from './stage.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Those of the seed unless given. */
  readonly faults?: readonly Fault[];
  /** A bug that is switched on for this run. */
  readonly bug?: BugName;
  /** How long faults come and clients send; 20 s unless given. */
  readonly durationMs?: number;
  /** 3 unless given. */
  readonly brokers?: number;
}

const BROKERS = 3;
const DURATION_MS = 20_000;
const FAULTS_MAX = 12;

/**
 * One run: a cluster starts, clients send and read, faults come; then everything is healed, and within a minute the
 * cluster must have settled, the clients must have all their answers, and all of it must be consistent. Runs one at a
 * time: a bug that is switched on is switched on for the process.
 */
export async function simulate({
  seed,
  bug,
  faults,
  durationMs = DURATION_MS,
  brokers = BROKERS,
}: SimulationOptions): Promise<Outcome> {
  const circumstances = circumstancesBy(new SeededRandom(seed).fork(3));
  const stage = new Stage({
    seed,
    brokers,
    topic: ORDERS,
    otherTopics: [FLEETING, LOOSE],
    mayLose: [LOOSE.name],
    properties: circumstances.properties,
  });
  stage.world.trace.note(`circumstances: ${JSON.stringify(circumstances)}`);
  const plan = stage.world.random.fork(2);
  const count = 1 + plan.below(FAULTS_MAX);
  const planned = faults ?? planFaults(plan, { brokers, durationMs, count });
  const switchOff = bug === undefined ? () => {} : knownBug(bug).install();
  await stage.play(() => underLoad(stage, circumstances, planned, durationMs));
  switchOff();
  return stage.outcome(seed, planned);
}

async function underLoad(
  stage: Stage,
  circumstances: Circumstances,
  faults: readonly Fault[],
  durationMs: number,
): Promise<void> {
  await stage.begin();
  const { sending, reading, watching, workers, fleeting } = clients(stage, circumstances);
  for (const fault of faults) inject(stage, fault);
  await stage.passes(durationMs);
  await stage.heal();
  for (const client of sending) client.stop();
  await stage.within('all sends are settled', () =>
    sending.every(({ isDone }) => isDone) ? null : 'some are not',
  );
  await stage.settle();
  for (const client of reading) {
    await stage.within(
      'the reader has read all',
      stage.nowAndThen(() => stage.unread(client)),
    );
  }
  watching.stop();
  await goOnAsLastMember(stage, workers, circumstances.group);
  await judgeFleeting(stage, fleeting);
  await stage.judge();
}

function clients(stage: Stage, { group, readerRack }: Circumstances) {
  const { world, load, problems } = stage;
  const fleeting = stage.loadOf(FLEETING);
  const slow = { idempotent: true, pauseMaxMs: 600 };
  const isExcused = (partition: string) => stage.isExcused(partition);
  return {
    fleeting,
    sending: [
      new SendingClient(world, load, { name: 'careful', number: 1, acks: 'all', idempotent: true }),
      new SendingClient(world, load, { name: 'plain', number: 2, acks: 'all', idempotent: false }),
      new SendingClient(world, load, { name: 'hasty', number: 3, acks: 'leader', idempotent: false }),
      new SendingClient(world, fleeting, { name: 'fleeting', number: 8, acks: 'all', ...slow }),
      new SendingClient(world, stage.loadOf(LOOSE), { name: 'loose', number: 9, acks: 'all', ...slow }),
    ],
    reading: [new ReadingClient(world, load, { name: 'reader', number: 4, rack: readerRack })],
    watching: new WatchingClient(world, load, { name: 'watcher', number: 7 }, problems, isExcused),
    workers: [5, 6].map(
      (number) => new GroupWorker(world, load, stage.group, { name: `member-${number}`, number, group }),
    ),
  };
}

async function judgeFleeting(stage: Stage, load: Load): Promise<void> {
  const reader = new ReadingClient(stage.world, load, {
    name: 'fleeting-reader',
    number: 97,
    from: 'earliest',
  });
  await stage.within(
    'what is left is read',
    stage.nowAndThen(() => stage.unread(reader, load.topic)),
  );
  reader.stop();
  const deletedBelow = stage.cluster.administrator.mayBeDeletedBelow(load.topic);
  if (stage.isExcused(`${load.topic}-0`)) return;
  judgeRecreated(load.history, { madeMs: stage.madeMs(load.topic), deletedBelow }, stage.problems);
}

/** All members leave, and one comes that goes on where they were. */
async function goOnAsLastMember(
  stage: Stage,
  workers: readonly GroupWorker[],
  group: GroupCircumstances,
): Promise<void> {
  for (const worker of workers) worker.stop();
  await stage.within('the members have left', () =>
    workers.every(({ isDone }) => isDone) ? null : 'some have not',
  );
  const last = new GroupMember(stage.world, stage.load, stage.group, {
    name: 'last-member',
    number: 98,
    group,
  });
  await stage.within(
    'the last member has read all',
    stage.nowAndThen(() => stage.unread(last)),
  );
  last.stop();
  await stage.within('the last member has left', () => (last.isDone ? null : 'it has not'));
}

function inject({ world, cluster }: Stage, fault: Fault): void {
  const script = scriptOf(fault.what);
  world.time.after(fault.atMs, () => {
    world.trace.note(`FAULT ${describeFault(fault)}`);
    script.begin(world, cluster, fault);
  });
  world.time.after(fault.atMs + fault.forMs, () => script.end(world, cluster, fault));
}
