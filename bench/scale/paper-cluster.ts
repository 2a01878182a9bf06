import { setImmediate as nextTurn } from 'node:timers/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedTree } from '@odradek/broker/adapters/embedded-coordination/embedded-tree.ts';
import { systemClock } from '@odradek/broker/adapters/system-clock.ts';
import { ControllerChannels } from '@odradek/broker/cluster/controller-channels.ts';
import { WorkQueue } from '@odradek/broker/server/work-queue.ts';
import { createRoots, registerBroker } from '@odradek/core/controller/cluster-join.ts';
import { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import { Controller } from '@odradek/core/controller/controller.ts';
import type { Timers } from '@odradek/core/ports/clock.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import { countedPeers, noFanOut, type FanOut } from './counted-peers.ts';
import { countedSession, noTraffic, type TreeTraffic } from './counted-session.ts';

const REPLICATION_FACTOR = 3;
const QUIET_MS = 10;
const silent = { debug() {}, info() {}, warn() {}, error: console.error };
const noTimers = { after: () => ({ cancel() {} }) };
export const realTimers: Timers = {
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A broker of which there is no more than its session, and the controller's part if it has that office. */
export interface PaperBroker {
  readonly brokerId: number;
  readonly session: Coordination;
  readonly state: ClusterState;
  readonly controller: Controller;
}

/** Many brokers on one tree in memory: the controllers are the real ones, all else only counts. */
export class PaperCluster {
  readonly brokers: PaperBroker[] = [];
  traffic: TreeTraffic = noTraffic();
  fanOut: FanOut = noFanOut();
  private readonly tree = new EmbeddedTree(':memory:', systemClock);

  /** Registers the brokers and elects the first of them. */
  async start(brokers: number): Promise<void> {
    for (let brokerId = 0; brokerId < brokers; brokerId++) {
      const broker = this.broker(brokerId);
      if (brokerId === 0) await ended((done) => createRoots(broker.session, done));
      await register(broker);
      this.brokers.push(broker);
    }
    await ended((done) => this.brokers[0]!.controller.start(done));
    await this.settled();
  }

  async createTopic(name: string, partitionCount: number): Promise<void> {
    const outcomes = await new Promise<Map<string, object>>((resolve) =>
      this.controller().createTopics(
        [
          {
            name,
            partitionCount,
            replicationFactor: REPLICATION_FACTOR,
            assignments: [],
            settings: new Map(),
          },
        ],
        false,
        resolve,
      ),
    );
    if ('errorCode' in outcomes.get(name)!) throw new Error(JSON.stringify(outcomes.get(name)));
  }

  /** The broker that is the controller. */
  private controller(): Controller {
    return this.brokers.find(({ controller }) => controller.isActive)!.controller;
  }

  /** Takes a broker away as its death does, and forgets what was counted before. */
  async lose(brokerId: number): Promise<void> {
    const at = this.brokers.findIndex((broker) => broker.brokerId === brokerId);
    const [lost] = this.brokers.splice(at, 1);
    this.traffic = noTraffic();
    this.fanOut = noFanOut();
    this.tree.expireSession(lost!.session.sessionId);
  }

  /** Runs for controller: the office must be free. Resolves when the term has begun and all have been told. */
  async elect(broker: PaperBroker): Promise<void> {
    await ended((done) => broker.controller.start(done));
    await this.settled();
  }

  /** Resolves when nothing has been asked of the tree or of a broker for half a second. */
  async settled(): Promise<void> {
    const sum = (): number => this.traffic.reads + this.traffic.writes + this.fanOut.requests;
    for (let quiet = 0, before = -1; quiet < 50; quiet = sum() === before ? quiet + 1 : 0) {
      before = sum();
      await nextTurn();
      await sleep(QUIET_MS);
    }
  }

  close(): void {
    this.tree.close();
  }

  private broker(brokerId: number): PaperBroker {
    const session = countedSession(this.tree.connect(), () => this.traffic);
    const state = new ClusterState();
    const channels = new ControllerChannels({
      nodeId: brokerId,
      orders: {
        judge: () => 0,
        *lead(_sender, changes) {
          yield;
          return changes.map(() => 0);
        },
        stop: (stops) => stops.map(() => 0),
      },
      orderWork: new WorkQueue(systemClock, realTimers),
      brokerEpoch: () => -1,
      peers: countedPeers(() => this.fanOut),
      timers: realTimers,
      log: silent,
      liveBrokers: () => [...state.brokers.values()],
      timeoutMs: () => 30_000,
    });
    const controller = new Controller({
      nodeId: brokerId,
      coordination: session,
      state,
      channels,
      notices: { topicSettings() {} },
      settings: { fault: () => null, allowsUncleanElection: () => false },
      defaults: () => ({ partitionCount: 1, replicationFactor: REPLICATION_FACTOR }),
      balance: () => ({ isEnabled: false, intervalMs: 1, toleratedPercent: 10 }),
      clock: systemClock,
      timers: noTimers,
      random: {
        fraction: Math.random,
        uuidBytes: () => Buffer.from(crypto.getRandomValues(new Uint8Array(16))),
      },
      log: silent,
    });
    return { brokerId, session, state, controller };
  }
}

function register({ brokerId, session }: PaperBroker): Promise<number> {
  const endpoints = [
    {
      listenerName: 'PLAINTEXT',
      securityProtocol: 'PLAINTEXT' as const,
      host: `broker-${brokerId}.example`,
      port: 9092,
    },
  ];
  const registration = { brokerId, endpoints, rack: `rack-${brokerId % 3}`, jmxPort: -1, timestampMs: 1 };
  return new Promise((resolve, reject) => {
    registerBroker(session, registration, (error, epoch) =>
      error === null ? resolve(epoch) : reject(error),
    );
  });
}

function ended(act: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => act((error) => (error === null ? resolve() : reject(error))));
}
