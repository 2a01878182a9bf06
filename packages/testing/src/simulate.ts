import { GroupChecker } from './checkers/group-checker.ts';
import { checkFinalLogs, unhealed, unsettled } from './checkers/final-state.ts';
import { type Problem, Problems } from './checkers/problem.ts';
import { ReplicaChecker } from './checkers/replica-checker.ts';
import { GroupMember } from './clients/group-member.ts';
import type { Load } from './clients/load.ts';
import { ReadingClient } from './clients/reading-client.ts';
import { SendingClient } from './clients/sending-client.ts';
import { SimulatedCluster } from './cluster/simulated-cluster.ts';
import { World } from './cluster/world.ts';
import { describeFault, type Fault, scriptOf } from './faults/fault.ts';
import { planFaults } from './faults/fault-plan.ts';
import { judgeHistory } from './history/judge-history.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Those of the seed unless given. */
  readonly faults?: readonly Fault[];
}

export interface Outcome {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly problems: readonly Problem[];
  /** The same for the same seed and faults, always. */
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly events: number;
}

const BROKERS = 3;
const TOPIC = 'orders';
const PARTITIONS = 2;
/** How long faults come. */
const FAULTS_MS = 20_000;
/** How long a start, the settling after the last fault, or reading to the end may take. */
const PATIENCE_MS = 60_000;

/**
 * One run: a cluster starts, clients send and read, faults come; then everything is healed, and within a minute the
 * cluster must have settled, the clients must have all their answers, and all of it must be consistent.
 */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const { seed } = options;
  const world = new World(seed);
  const plan = world.random.fork(2);
  const faults =
    options.faults ?? planFaults(plan, { brokers: BROKERS, durationMs: FAULTS_MS, count: 1 + plan.below(8) });
  const problems = new Problems((text) => world.trace.note(text));
  const run = new Run(world, problems);
  try {
    await run.whole(faults);
  } catch (error) {
    problems.add('defect', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const { trace, time } = world;
  return {
    seed,
    faults,
    problems: problems.all,
    traceHash: trace.hash,
    trace: trace.lines,
    events: time.events,
  };
}

class Run {
  private readonly world: World;
  private readonly problems: Problems;
  private readonly cluster: SimulatedCluster;
  private readonly replicas: ReplicaChecker;
  private readonly load: Load;
  private readonly group: GroupChecker;

  constructor(world: World, problems: Problems) {
    this.world = world;
    this.problems = problems;
    this.cluster = new SimulatedCluster(world, BROKERS);
    this.replicas = new ReplicaChecker(this.cluster.brokers, problems);
    this.group = new GroupChecker(problems);
    const { bootstrapServers } = this.cluster;
    this.load = { bootstrapServers, topic: TOPIC, partitions: PARTITIONS, history: [] };
  }

  async whole(faults: readonly Fault[]): Promise<void> {
    await this.begin();
    const clients = this.clients();
    for (const fault of faults) this.inject(fault);
    await this.passes(FAULTS_MS);
    this.heal();
    await this.within('the cluster is whole', () => unhealed(this.cluster.brokers));
    for (const client of clients.sending) client.stop();
    await this.within('all sends are settled', () =>
      clients.sending.every(({ isDone }) => isDone) ? null : 'some are not',
    );
    await this.within('the cluster settles', () => unsettled(this.cluster.brokers));
    const last = new ReadingClient(this.world, this.load, 'last-reader', 99);
    await this.within('the last reader has read all', () => this.unread(last));
    for (const client of clients.reading) {
      await this.within('the readers have read all', () => this.unread(client));
    }
    await this.lastMember(clients.members);
    checkFinalLogs(this.cluster.brokers, this.problems);
    this.judge();
  }

  private async begin(): Promise<void> {
    this.cluster.startAll();
    await this.within('all brokers serve', () =>
      this.cluster.brokers.every(({ broker }) => broker !== null) ? null : 'some do not',
    );
    let isThere = false;
    void this.cluster
      .createTopic({ name: TOPIC, partitions: PARTITIONS, replicationFactor: BROKERS })
      .then(() => (isThere = true));
    await this.within('the topic is there', () => (isThere ? null : 'it is not'));
  }

  private clients() {
    const { world, load } = this;
    return {
      sending: [
        new SendingClient(world, load, { name: 'careful', number: 1, acks: 'all', idempotent: true }),
        new SendingClient(world, load, { name: 'plain', number: 2, acks: 'all', idempotent: false }),
        new SendingClient(world, load, { name: 'hasty', number: 3, acks: 'leader', idempotent: false }),
      ],
      reading: [new ReadingClient(world, load, 'reader', 4)],
      members: [5, 6].map((number) => new GroupMember(world, load, this.group, `member-${number}`, number)),
    };
  }

  /** All members leave, and one comes that goes on where they were. */
  private async lastMember(members: readonly GroupMember[]): Promise<void> {
    for (const member of members) member.stop();
    await this.within('the members have left', () =>
      members.every(({ isDone }) => isDone) ? null : 'some have not',
    );
    const last = new GroupMember(this.world, this.load, this.group, 'last-member', 98);
    await this.within('the last member has read all', () => this.unread(last));
    last.stop();
    await this.within('the last member has left', () => (last.isDone ? null : 'it has not'));
  }

  private inject(fault: Fault): void {
    const { world, cluster } = this;
    const script = scriptOf(fault.what);
    world.time.after(fault.atMs, () => {
      world.trace.note(`FAULT ${describeFault(fault)}`);
      script.begin(world, cluster, fault);
    });
    world.time.after(fault.atMs + fault.forMs, () => script.end(world, cluster, fault));
  }

  private heal(): void {
    this.world.trace.note('everything is healed');
    this.world.network.unblockAll();
    for (const broker of this.cluster.brokers) {
      broker.resume();
      broker.start();
    }
  }

  private unread(client: { position(partition: number): number | null }): string | null {
    for (const { replicas } of this.cluster.brokers) {
      for (const { topic, index, isLeader, log } of replicas) {
        if (topic !== TOPIC || !isLeader || (client.position(index) ?? -1) >= log.logEndOffset) continue;
        return `${topic}-${index} is read up to ${client.position(index)} of ${log.logEndOffset}`;
      }
    }
    return null;
  }

  private judge(): void {
    const { excusedPartitions } = this.replicas;
    for (const { name, partition, description } of judgeHistory(this.load.history)) {
      if (partition === null || !excusedPartitions.has(partition)) this.problems.add(name, description);
    }
  }

  private passes(ms: number): Promise<void> {
    const { time } = this.world;
    return time.runUntil(time.nowMs + ms, () => {
      this.replicas.check();
      return false;
    });
  }

  /** Time passes until nothing is missing any more, and a problem is noted when that takes too long. */
  private async within(what: string, missing: () => string | null): Promise<void> {
    const { time } = this.world;
    let left: string | null = missing();
    if (left === null) return;
    await time.runUntil(time.nowMs + PATIENCE_MS, () => {
      this.replicas.check();
      left = missing();
      return left === null;
    });
    if (left !== null) this.problems.add('not-converged', `${what}: not within ${PATIENCE_MS} ms, ${left}`);
  }
}
