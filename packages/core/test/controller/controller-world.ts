import assert from 'node:assert/strict';
import { EmbeddedTree } from '../../../broker/src/adapters/embedded-coordination/embedded-tree.ts';
import { createRoots, obtainClusterId, registerBroker } from '../../src/controller/cluster-join.ts';
import { ClusterState, type PartitionEntry } from '../../src/controller/cluster-state.ts';
import type { BatchAnswer, BrokerBatch, BrokerChannels } from '../../src/controller/broker-channels.ts';
import { Controller } from '../../src/controller/controller.ts';
import type { BrokerNotices } from '../../src/controller/controller-term.ts';
import type { TopicCreation } from '../../src/controller/topic-request.ts';
import type { Coordination, CoordinationError, Done } from '../../src/ports/coordination.ts';
import type { LeadershipChange } from '../../src/replication/leadership.ts';
import { ManualTime } from '../log/log-world.ts';
import { PromisedSession } from '../coordination/promised-session.ts';

export const BALANCE_INTERVAL_MS = 300_000;

/** A clock that stands still: nothing here depends on time. */
export const stillClock = { now: () => 1_700_000_000_000, monotonic: () => 0 };

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Different ids, the same in each run. */
export function countedRandom() {
  let count = 0;
  return {
    fraction: () => 0,
    uuidBytes: () => {
      const bytes = Buffer.alloc(16, 0x11);
      bytes.writeUInt32BE((count += 1), 12);
      return bytes;
    },
  };
}

/** One life of a broker on a tree: its session, what it knows, and what its controller told it. */
export class BrokerLife {
  readonly nodeId: number;
  readonly session: Coordination;
  readonly state = new ClusterState();
  readonly leaderships: LeadershipChange[] = [];
  readonly stopped: string[] = [];
  readonly settings = new Map<string, ReadonlyMap<string, string> | null>();
  readonly controller: Controller;
  readonly timers = new ManualTime();
  /** What was sent to each broker, itself among them. */
  readonly sent = new Map<number, BrokerBatch[]>();
  /** What each broker answers, where it is not that all went well; null: nothing, the broker is not there. */
  readonly answers = new Map<number, BatchAnswer | null>();
  private readonly channels: BrokerChannels = {
    outrank: () => {},
    open: ({ brokerId }) => void this.sent.set(brokerId, []),
    close: (brokerId) => void this.sent.delete(brokerId),
    closeAll: () => this.sent.clear(),
    send: (brokerId, batch, answered) => {
      this.sent.get(brokerId)?.push(batch);
      if (brokerId === this.nodeId) {
        this.leaderships.push(...batch.leadership);
        this.stopped.push(...batch.stops.map(({ topic, partition }) => `${topic}-${partition}`));
      }
      const answer = this.answers.get(brokerId);
      queueMicrotask(() =>
        answered(answer === undefined ? { leadershipErrors: [], stopErrors: [] } : answer),
      );
    },
  };
  uncleanTopics = new Set<string>();

  constructor(session: Coordination, nodeId = 0, random = countedRandom()) {
    this.nodeId = nodeId;
    this.session = session;
    const notices: BrokerNotices = {
      topicSettings: (topic, settings) => this.settings.set(topic, settings),
    };
    this.controller = new Controller({
      nodeId,
      coordination: session,
      state: this.state,
      channels: this.channels,
      notices,
      settings: {
        fault: (settings) => (settings.has('no.such.name') ? 'no.such.name is unknown' : null),
        allowsUncleanElection: (topic) => this.uncleanTopics.has(topic),
      },
      defaults: () => ({ partitionCount: 2, replicationFactor: 1 }),
      balance: () => ({ isEnabled: true, intervalMs: BALANCE_INTERVAL_MS, toleratedPercent: 10 }),
      clock: stillClock,
      timers: this.timers,
      random,
      log: silent,
    });
  }

  /** Joins, registers and becomes the controller. */
  async start(): Promise<this> {
    await this.register();
    await ended((done) => this.controller.start(done));
    return this;
  }

  async register(rack: string | null = null): Promise<number> {
    await ended((done) => createRoots(this.session, done));
    await new Promise<void>((resolve, reject) => {
      obtainClusterId(this.session, null, countedRandom(), (error, id) => {
        this.state.clusterId = id;
        if (error === null) resolve();
        else reject(error);
      });
    });
    const endpoints = [
      { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT' as const, host: 'localhost', port: 9092 },
    ];
    const registration = { brokerId: this.nodeId, endpoints, rack, jmxPort: -1, timestampMs: 1 };
    return new Promise((resolve, reject) => {
      registerBroker(this.session, registration, (error, epoch) =>
        error === null ? resolve(epoch) : reject(error),
      );
    });
  }

  create(...creations: TopicCreation[]) {
    return new Promise<Map<string, object>>((resolve) =>
      this.controller.createTopics(creations, false, resolve),
    );
  }

  grow(name: string, partitionCount: number) {
    return new Promise<Map<string, object | null>>((resolve) =>
      this.controller.growTopics([{ name, partitionCount, assignments: null }], false, resolve),
    );
  }

  delete(...names: string[]) {
    return new Promise<Map<string, object | null>>((resolve) => this.controller.deleteTopics(names, resolve));
  }
}

/** Partition 0, led by 1 with 2 and 3 in sync, unless said otherwise. */
export function entryOf(fields: Partial<PartitionEntry>): PartitionEntry {
  return {
    index: 0,
    leader: 1,
    leaderEpoch: 5,
    isr: [1, 2, 3],
    isRecovering: false,
    controllerEpoch: 1,
    partitionEpoch: 7,
    replicas: [1, 2, 3],
    addingReplicas: [],
    removingReplicas: [],
    ...fields,
  };
}

/** Waits for what the tree tells turn by turn. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

export function newTree(): EmbeddedTree {
  return new EmbeddedTree(':memory:', stillClock);
}

export function topicOf(
  name: string,
  partitionCount = -1,
  settings: Record<string, string> = {},
): TopicCreation {
  return {
    name,
    partitionCount,
    replicationFactor: -1,
    assignments: [],
    settings: new Map(Object.entries(settings)),
  };
}

export function ended(act: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => act((error) => (error === null ? resolve() : reject(error))));
}

/** All nodes of a tree with their contents, for comparing. */
export async function treeContents(tree: EmbeddedTree): Promise<Map<string, string>> {
  const session = new PromisedSession(tree.connect());
  const found = new Map<string, string>();
  const visit = async (path: string): Promise<void> => {
    const { data } = await session.read(path);
    found.set(path, data?.toString() ?? '');
    for (const name of await session.children(path))
      await visit(path === '/' ? `/${name}` : `${path}/${name}`);
  };
  await visit('/');
  await session.close();
  return found;
}

/** A session of a process that can die. */
export interface MortalSession {
  readonly session: Coordination;
  /** From here on so many writes reach the tree; the next one, and all that comes after, is never heard of again. */
  dieAfter(writes: number): void;
  /** Resolves at the death. */
  readonly cut: Promise<void>;
}

export function dyingSession(session: Coordination): MortalSession {
  let left = Number.MAX_SAFE_INTEGER;
  let die: () => void;
  const cut = new Promise<void>((resolve) => (die = resolve));
  const answer = <Value>(done: Done<Value>): Done<Value> =>
    ((error: CoordinationError, value: null) => {
      if (left >= 0) done(error, value);
    }) as Done<Value>;
  const mortal: Coordination = {
    sessionId: session.sessionId,
    write: (operations, done) => {
      left -= 1;
      if (left < 0) return die();
      session.write(operations, (error, results) => {
        if (left >= 0) done(error, results);
      });
    },
    read: (path, watch, done) => {
      if (left >= 0) session.read(path, watch, answer(done));
    },
    stat: (path, watch, done) => {
      if (left >= 0) session.stat(path, watch, answer(done));
    },
    children: (path, watch, done) => {
      if (left >= 0) session.children(path, watch, answer(done));
    },
    onSession: (listener) => session.onSession(listener),
    close: (done) => session.close(done),
  };
  return { session: mortal, dieAfter: (writes) => (left = writes), cut };
}

/** What must hold of every tree that a controller has taken over. */
export function assertWhole(life: BrokerLife, contents: ReadonlyMap<string, string>): void {
  assert.ok(![...contents.keys()].some((path) => path.startsWith('/admin/delete_topics/')));
  const topics = [...contents.keys()].filter((path) => /^\/brokers\/topics\/[^/]+$/.test(path));
  const configs = [...contents.keys()].filter((path) => /^\/config\/topics\/[^/]+$/.test(path));
  const names = topics.map((path) => path.split('/')[3]!);
  for (const config of configs) assert.ok(names.includes(config.split('/')[3]!), `${config} without a topic`);
  assert.deepEqual(Array.from(life.state.topics(), ({ name }) => name).sort(), names.sort());
  for (const topic of life.state.topics()) {
    const node = JSON.parse(contents.get(`/brokers/topics/${topic.name}`)!) as { partitions: object };
    assert.equal(Object.keys(node.partitions).length, topic.partitions.length);
    const below = [...contents.keys()].filter((path) => path.startsWith(`/brokers/topics/${topic.name}/`));
    assert.equal(below.length, 1 + 2 * topic.partitions.length, `${topic.name} has stray nodes`);
    for (const { index, leader, leaderEpoch } of topic.partitions) {
      const state = JSON.parse(
        contents.get(`/brokers/topics/${topic.name}/partitions/${index}/state`)!,
      ) as object;
      assert.deepEqual({ leader, leader_epoch: leaderEpoch }, pick(state, 'leader', 'leader_epoch'));
      assert.equal(leader, life.nodeId, `${topic.name}-${index} has no leader`);
      assert.ok(
        life.leaderships.some((change) => change.topic === topic.name && change.partition === index),
        `${topic.name}-${index} was not announced`,
      );
    }
  }
}

function pick(from: object, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
}
