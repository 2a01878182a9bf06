// The controller dies at every single write of everything that it does: the write is lost with it, or has happened
// and it never heard so. Another broker takes over each time, and what was begun is finished or as it was.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EmbeddedTree } from '../../../broker/src/adapters/embedded-coordination/embedded-tree.ts';
import type { PartitionEntry } from '../../src/controller/cluster-state.ts';
import type { Coordination } from '../../src/ports/coordination.ts';
import { BrokerLife, newTree, topicOf, treeContents, until } from './controller-world.ts';

/** Holds no replicas: its death concerns the office alone. */
const CONTROLLER = 9;
const BROKERS = [0, 1, 2];
const WRITES_MAX = 40;

interface Death {
  /** Counted from 0. */
  readonly write: number;
  readonly hasHappened: boolean;
}

/** A session that is cut off at a write. */
class DoomedSession {
  readonly session: Coordination;
  readonly cut: Promise<void>;
  private death: Death | null = null;
  private writes = 0;
  private isDead = false;

  constructor(raw: Coordination) {
    let die: () => void;
    this.cut = new Promise((resolve) => (die = resolve));
    const unlessDead =
      <Args extends unknown[]>(done: (...args: Args) => void) =>
      (...args: Args) => {
        if (!this.isDead) done(...args);
      };
    this.session = {
      sessionId: raw.sessionId,
      onSession: (listener) => raw.onSession(listener),
      close: (done) => raw.close(done),
      read: (path, watch, done) => raw.read(path, watch, unlessDead(done) as typeof done),
      stat: (path, watch, done) => raw.stat(path, watch, unlessDead(done) as typeof done),
      children: (path, watch, done) => raw.children(path, watch, unlessDead(done) as typeof done),
      write: (operations, done) => {
        if (this.isDead) return;
        const isLast = this.death !== null && this.writes++ === this.death.write;
        if (!isLast) return raw.write(operations, unlessDead(done));
        this.isDead = true;
        if (this.death!.hasHappened) raw.write(operations, () => die());
        else die();
      },
    };
  }

  dieAt(death: Death): void {
    this.death = death;
    this.writes = 0;
  }
}

/** A controller that is to die, and the brokers that one of is the next. */
class World {
  readonly tree: EmbeddedTree = newTree();
  readonly doomed = new DoomedSession(this.tree.connect());
  readonly first = new BrokerLife(this.doomed.session, CONTROLLER);
  readonly lives: BrokerLife[] = [];
  /** What the dead one has ordered, by broker: `topic-partition` each. */
  readonly stopsBefore = new Map<number, Set<string>>();

  static async open(): Promise<World> {
    const world = new World();
    await world.first.start();
    for (const id of BROKERS) world.lives.push(await new BrokerLife(world.tree.connect(), id).start());
    await until(() => world.first.state.brokers.size === BROKERS.length + 1);
    return world;
  }

  get next(): BrokerLife {
    return this.lives.find(({ controller }) => controller.isActive)!;
  }

  /** The dead one's session ends, and another broker has begun its term and done all that this asks for. */
  async takeOver(): Promise<void> {
    for (const [id, batches] of this.first.sent) this.stopsBefore.set(id, stopsIn(batches));
    this.tree.expireSession(this.doomed.session.sessionId);
    await until(() => this.lives.some(({ controller }) => controller.isActive));
    await settled(this.next);
  }

  /** Brokers that were told to delete a replica. */
  stopped(topic: string, partition: number): number[] {
    const name = `${topic}-${partition}`;
    const isTold = (id: number) =>
      this.stopsBefore.get(id)?.has(name) === true || stopsIn(this.next.sent.get(id) ?? []).has(name);
    return BROKERS.filter(isTold);
  }
}

function stopsIn(
  batches: readonly { stops: readonly { topic: string; partition: number; deleteLog: boolean }[] }[],
) {
  const stops = batches.flatMap((batch) => batch.stops).filter(({ deleteLog }) => deleteLog);
  return new Set(stops.map(({ topic, partition }) => `${topic}-${partition}`));
}

/** All that was asked of a controller so far is done. */
async function settled(life: BrokerLife): Promise<void> {
  await life.create();
}

const make = (life: BrokerLife, name: string, ...assignments: number[][]) =>
  life.create({
    ...topicOf(name),
    assignments: assignments.map((replicas, partition) => ({ partition, replicas })),
  });

const reassign = (life: BrokerLife, topic: string, partition: number, target: readonly number[] | null) =>
  new Promise<readonly unknown[]>((resolve) =>
    life.controller.reassign([{ topic, partition, target }], resolve),
  ).then(([fault]) => fault);

const entry = (life: BrokerLife, topic: string, partition = 0): PartitionEntry =>
  life.state.topic(topic)!.partitions[partition]!;

/** The leader proposes an in-sync set. */
function setInSync(life: BrokerLife, topic: string, isr: readonly number[]): Promise<unknown> {
  const { leader, leaderEpoch, partitionEpoch } = entry(life, topic);
  const { brokerEpoch } = life.state.brokers.get(leader)!;
  const proposal = { topic, partition: 0, leaderEpoch, partitionEpoch, isr, isRecovering: false };
  return new Promise((resolve) =>
    life.controller.alterPartitions({ brokerId: leader, brokerEpoch }, [proposal], (...all) => resolve(all)),
  );
}

const elect = (life: BrokerLife, topic: string) =>
  new Promise((resolve) => life.controller.electLeaders('preferred', [{ topic, partition: 0 }], resolve));

const relieve = (life: BrokerLife, brokerId: number) => {
  const { brokerEpoch } = life.state.brokers.get(brokerId)!;
  return new Promise((resolve) =>
    life.controller.relieve({ brokerId, brokerEpoch }, (...all) => resolve(all)),
  );
};

/** More than fit into one transaction. */
const MANY = 250;
const manyOf = (...replicas: number[]) => Array.from({ length: MANY }, () => replicas);

interface Work {
  readonly name: string;
  readonly prepare: (life: BrokerLife) => Promise<unknown>;
  readonly act: (life: BrokerLife) => Promise<unknown>;
  /** What the next controller found is one of what may be; what remains is done by the brokers and clients. */
  readonly check: (world: World, isThrough: boolean) => Promise<void> | void;
}

const sorted = (ids: readonly number[]) => ids.toSorted((a, b) => a - b);

/** As before, or moving to the target, or there; in the second case the replicas catch up and it gets there. */
async function movedOrNot(
  world: World,
  before: readonly number[],
  target: readonly number[],
  isThrough: boolean,
) {
  const { next } = world;
  const found = entry(next, 'old');
  if (found.addingReplicas.length > 0 || found.removingReplicas.length > 0) {
    assert.deepEqual(
      found.replicas.filter((id) => !found.removingReplicas.includes(id)),
      target,
    );
    await setInSync(next, 'old', sorted([...new Set([...found.isr, ...target])]));
  } else if (!isThrough && found.replicas.join() === before.join()) {
    return;
  }
  const { replicas, addingReplicas, removingReplicas, isr, leader } = entry(next, 'old');
  assert.deepEqual([replicas, addingReplicas, removingReplicas], [target, [], []]);
  assert.deepEqual(sorted(isr), sorted(target));
  assert.ok(target.includes(leader));
  const dropped = before.filter((id) => !target.includes(id));
  assert.deepEqual(world.stopped('old', 0), dropped, 'those that hold it no more are told to delete it');
}

const WORKS: readonly Work[] = [
  {
    name: 'creating topics',
    prepare: async () => {},
    act: (life) => Promise.all([make(life, 'a', [0, 1], [1, 2]), make(life, 'b', [2])]),
    check: ({ next }, isThrough) => {
      for (const [name, count] of Object.entries({ a: 2, b: 1 })) {
        const found = next.state.topic(name)?.partitions.length ?? 0;
        assert.ok(found === count || (found === 0 && !isThrough), `${name} has ${found} partitions`);
      }
    },
  },
  {
    name: 'creating a large topic',
    prepare: async () => {},
    act: (life) => make(life, 'a', ...manyOf(0, 1)),
    check: ({ next }, isThrough) => {
      const found = next.state.topic('a')?.partitions.length ?? 0;
      assert.ok(found === MANY || (found === 0 && !isThrough), `${found} partitions`);
    },
  },
  {
    name: 'more partitions',
    prepare: (life) => make(life, 'old', [0, 1]),
    act: (life) => life.grow('old', MANY),
    check: ({ next }, isThrough) => {
      const found = next.state.topic('old')!.partitions.length;
      assert.ok(found === MANY || (found === 1 && !isThrough), `${found} partitions`);
    },
  },
  {
    name: 'deletion',
    prepare: (life) => make(life, 'old', ...manyOf(0, 1)),
    act: (life) => life.delete('old'),
    check: (world, isThrough) => {
      const isThere = world.next.state.topic('old') !== undefined;
      assert.ok(!(isThere && isThrough));
      assert.deepEqual(world.stopped('old', MANY - 1), isThere ? [] : [0, 1]);
    },
  },
  {
    name: 'a reassignment begins',
    prepare: (life) => make(life, 'old', [0, 1]),
    act: (life) => reassign(life, 'old', 0, [2, 1]),
    check: (world, isThrough) => movedOrNot(world, [0, 1], [2, 1], isThrough),
  },
  {
    name: 'a reassignment ends',
    prepare: async (life) => {
      await make(life, 'old', [0, 1]);
      await reassign(life, 'old', 0, [2, 1]);
    },
    act: (life) => setInSync(life, 'old', [0, 1, 2]),
    check: (world) => movedOrNot(world, [0, 1], [2, 1], true),
  },
  {
    name: 'a replica is taken away',
    prepare: (life) => make(life, 'old', [0, 1, 2]),
    act: (life) => reassign(life, 'old', 0, [1, 2]),
    check: (world, isThrough) => movedOrNot(world, [0, 1, 2], [1, 2], isThrough),
  },
  {
    name: 'a reassignment is called off',
    prepare: async (life) => {
      await make(life, 'old', [0, 1]);
      await reassign(life, 'old', 0, [2, 0, 1]);
      await reassign(life, 'old', 0, [2, 1]);
    },
    act: (life) => reassign(life, 'old', 0, null),
    check: async (world, isThrough) => {
      const { replicas, addingReplicas } = entry(world.next, 'old');
      if (addingReplicas.length > 0) {
        assert.ok(!isThrough);
        return;
      }
      assert.deepEqual([sorted(replicas), world.stopped('old', 0)], [[0, 1], [2]]);
    },
  },
  {
    name: 'a preferred leader is elected',
    prepare: async (life) => {
      await make(life, 'old', [0, 1]);
      await reassign(life, 'old', 0, [1, 0]);
    },
    act: (life) => elect(life, 'old'),
    check: ({ next }, isThrough) => {
      const { leader, leaderEpoch, isr } = entry(next, 'old');
      assert.deepEqual(sorted(isr), [0, 1]);
      assert.ok((leader === 1 && leaderEpoch > 0) || (leader === 0 && !isThrough), `${leader} leads`);
    },
  },
  {
    name: 'a broker is relieved',
    prepare: (life) => make(life, 'old', ...manyOf(0, 1)),
    act: (life) => relieve(life, 0),
    check: ({ next }, isThrough) => {
      const { partitions } = next.state.topic('old')!;
      for (const { leader, isr } of partitions) {
        if (leader === 1) assert.deepEqual(isr, [1]);
        else assert.ok(leader === 0 && !isThrough, `${leader} leads`);
      }
    },
  },
];

describe('the controller dies at any write', () => {
  for (const work of WORKS) {
    for (const hasHappened of [false, true]) {
      const which = hasHappened ? 'that happens, unheard' : 'that is lost';
      test(`${work.name}: a write ${which}`, async () => {
        let isThrough = false;
        let write = 0;
        for (; !isThrough; write++) {
          assert.ok(write < WRITES_MAX, 'the work has no end');
          const world = await World.open();
          await work.prepare(world.first);
          await settled(world.first);
          world.doomed.dieAt({ write, hasHappened });
          isThrough = await Promise.race([
            work
              .act(world.first)
              .then(() => settled(world.first))
              .then(() => true),
            world.doomed.cut.then(() => false),
          ]);
          await world.takeOver();
          await work.check(world, isThrough);
          assertTold(world.next);
          await assertAsInTree(world);
          world.tree.close();
        }
        assert.ok(write > 1, 'there was no write to die at');
      });
    }
  }
});

/** Every broker has heard last of each of its partitions what the controller knows. */
function assertTold({ sent, state }: BrokerLife): void {
  for (const { name, partitions } of state.topics()) {
    for (const { index, replicas, leader, leaderEpoch } of partitions) {
      assert.ok(leader >= 0, `${name}-${index} has no leader`);
      for (const id of replicas.filter((holder) => sent.has(holder))) {
        const last = sent
          .get(id)!
          .flatMap(({ leadership }) => leadership)
          .findLast((told) => told.topic === name && told.partition === index);
        assert.deepEqual(
          [last?.leader, last?.leaderEpoch, last?.replicas],
          [leader, leaderEpoch, replicas],
          `broker ${id} about ${name}-${index}`,
        );
      }
    }
  }
}

async function assertAsInTree({ tree, next }: World): Promise<void> {
  const contents = await treeContents(tree);
  const below = (parent: string) => [...contents.keys()].filter((path) => path.startsWith(`${parent}/`));
  const names = Array.from(next.state.topics(), ({ name }) => name).toSorted();
  assert.deepEqual(below('/admin/delete_topics'), []);
  assert.deepEqual(
    below('/config/topics'),
    names.map((name) => `/config/topics/${name}`),
  );
  const nodes = below('/brokers/topics').filter((path) => path.split('/').length === 4);
  assert.deepEqual(
    nodes.toSorted(),
    names.map((name) => `/brokers/topics/${name}`),
  );
  for (const { name, partitions } of next.state.topics()) {
    const node = JSON.parse(contents.get(`/brokers/topics/${name}`)!) as {
      partitions: Record<string, number[]>;
    };
    assert.equal(
      below(`/brokers/topics/${name}`).length,
      1 + 2 * partitions.length,
      `${name} has stray nodes`,
    );
    for (const { index, replicas, leader, leaderEpoch, isr } of partitions) {
      const text = contents.get(`/brokers/topics/${name}/partitions/${index}/state`)!;
      const written = JSON.parse(text) as { leader: number; leader_epoch: number; isr: number[] };
      assert.deepEqual(node.partitions[index], replicas);
      assert.deepEqual([written.leader, written.leader_epoch, written.isr], [leader, leaderEpoch, isr]);
    }
  }
}
