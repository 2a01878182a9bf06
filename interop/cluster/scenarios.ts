import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerNode } from './broker-node.ts';
import type { Host } from './network.ts';
import { moveThrottled } from './throttled-move.ts';
import { SESSION_MS, type World } from './world.ts';

/** One way to hurt a cluster under load. Nothing acknowledged may be lost or doubled by any of them. */
export interface Scenario {
  readonly name: string;
  readonly faults: string;
  /** Whose load it is; our own clients' unless said. */
  readonly clients?: 'verifiable';
  /** No partition goes without an acknowledgement for longer. */
  readonly gapMaxMs: number;
  /** Inflicts the faults; what is left of them afterwards is mended by the caller. */
  run(world: World, topic: string): Promise<void>;
}

const OFFSETS_TOPIC = '__consumer_offsets';
/** What is longer than any session. */
const LONG_MS = SESSION_MS * 1.5;
/** Until the session of a broker is over, others lead and the clients have found them. */
const FAILOVER_MS = SESSION_MS + 9_000;
/** After ZooKeeper was away, or a disk was full, for LONG_MS: a second attempt, a session, an election. */
const RECOVERY_MS = LONG_MS + 15_000;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'kill-leader',
    faults: 'kill -9 of the leader of a partition; started again at once',
    gapMaxMs: FAILOVER_MS,
    async run(world, topic) {
      const leader = await world.leader(topic, 0);
      await leader.kill();
      await leader.start();
    },
  },
  {
    name: 'kill-leader-verifiable',
    faults: 'the same, with Apache Kafka’s VerifiableProducer and VerifiableConsumer as clients',
    clients: 'verifiable',
    gapMaxMs: FAILOVER_MS + 5_000,
    async run(world, topic) {
      const leader = await world.leader(topic, 0);
      await leader.kill();
      await leader.start();
    },
  },
  {
    name: 'move-coordinator-verifiable',
    faults:
      'the coordinator of a group of Apache Kafka’s VerifiableConsumer is killed, stopped in order, and its partition moved',
    clients: 'verifiable',
    gapMaxMs: FAILOVER_MS + 5_000,
    async run(world, group) {
      const killed = await world.coordinator(group);
      await killed.kill();
      await sleep(LONG_MS);
      await killed.start();
      await world.allInSync();
      const stopped = await world.coordinator(group);
      await stopped.stop();
      await stopped.start();
      await world.allInSync();
      await world.moveOn(OFFSETS_TOPIC);
      await world.allMoved();
    },
  },
  {
    name: 'bounce-leader',
    faults: 'whoever leads a partition is stopped in order and started again, three times',
    gapMaxMs: 5_000,
    async run(world, topic) {
      for (let i = 0; i < 3; i++) {
        const leader = await world.leader(topic, 0);
        await leader.stop();
        await leader.start();
        await world.allInSync();
      }
    },
  },
  {
    name: 'hard-bounce-leader',
    faults: 'whoever leads a partition is killed and started again, twice',
    gapMaxMs: FAILOVER_MS,
    async run(world, topic) {
      for (let i = 0; i < 2; i++) {
        const leader = await world.leader(topic, 0);
        await leader.kill();
        await leader.start();
        await world.allInSync();
      }
    },
  },
  {
    name: 'kill-controller',
    faults: 'kill -9 of the controller; started again when others have taken over',
    gapMaxMs: FAILOVER_MS,
    async run(world) {
      const controller = await world.controller();
      await controller.kill();
      await sleep(LONG_MS);
      await controller.start();
    },
  },
  {
    name: 'pause-leader',
    faults: 'SIGSTOP of a leader for longer than its session',
    gapMaxMs: FAILOVER_MS,
    async run(world, topic) {
      const leader = await world.leader(topic, 1);
      leader.pause();
      await sleep(LONG_MS);
      leader.resume();
    },
  },
  {
    name: 'cut-leader',
    faults: 'a leader cut off from ZooKeeper and all other brokers, but not from its clients',
    gapMaxMs: FAILOVER_MS,
    async run(world, topic) {
      const leader = await world.leader(topic, 2);
      for (const other of clusterHosts(world, leader)) world.network.cut(leader.host, other);
      await sleep(LONG_MS);
    },
  },
  {
    name: 'cut-from-zookeeper',
    faults: 'the controller cut off from ZooKeeper alone; brokers and clients reach it all the time',
    gapMaxMs: FAILOVER_MS,
    async run(world) {
      const controller = await world.controller();
      for (const { host } of world.zookeepers) world.network.cut(controller.host, host);
      await sleep(LONG_MS);
    },
  },
  {
    name: 'cut-one-way',
    faults: 'what a leader sends to its followers is lost; what they send arrives',
    gapMaxMs: FAILOVER_MS,
    async run(world, topic) {
      const leader = await world.leader(topic, 0);
      for (const { host } of world.others(leader)) world.network.cutOneWay(leader.host, host);
      await sleep(LONG_MS);
    },
  },
  {
    name: 'cut-follower',
    faults:
      'a follower cut off from all other brokers, but not from ZooKeeper: it has to leave the in-sync set',
    // What it leads itself has too few in sync while the cut lasts, and its session lives: as in Apache Kafka.
    gapMaxMs: FAILOVER_MS,
    async run(world, topic) {
      const leader = await world.leader(topic, 0);
      const [follower] = world.others(leader);
      for (const { host } of world.others(follower!)) world.network.cut(follower!.host, host);
      await sleep(LONG_MS);
    },
  },
  {
    name: 'cut-client',
    faults: 'clients cut off from one of the leaders',
    gapMaxMs: LONG_MS + 6_000,
    async run(world, topic) {
      const leader = await world.leader(topic, 2);
      world.network.cut(world.network.outside, leader.host);
      await sleep(LONG_MS);
    },
  },
  {
    name: 'kill-zookeeper-leader',
    faults: 'kill -9 of the leader of the ensemble; started again',
    gapMaxMs: FAILOVER_MS,
    async run(world) {
      const leader = await world.zookeeperLeader();
      await leader.kill();
      await sleep(SESSION_MS / 2);
      await leader.start();
    },
  },
  {
    name: 'zookeeper-away',
    faults: 'all of ZooKeeper stopped for longer than every session: nobody leads, then all come back',
    gapMaxMs: RECOVERY_MS,
    async run(world) {
      for (const server of world.zookeepers) server.pause();
      await sleep(LONG_MS);
      for (const server of world.zookeepers) server.resume();
    },
  },
  {
    name: 'clock-steps',
    faults: 'the wall clock of a leader goes an hour ahead, two hours back and to the right time',
    gapMaxMs: 5_000,
    async run(world, topic) {
      const leader = await world.leader(topic, 1);
      for (const offset of ['+1h', '-2h', '+0']) {
        leader.setClock(offset);
        await sleep(2_500);
      }
    },
  },
  {
    name: 'full-disk',
    faults: 'the disk of a leader is full for a while',
    gapMaxMs: RECOVERY_MS,
    async run(world, topic) {
      const leader = await world.leader(topic, 0);
      leader.disk.fill();
      await sleep(SESSION_MS);
      leader.disk.free();
    },
  },
  {
    name: 'full-disk-follower',
    faults: 'the disk of a follower is full for a while',
    gapMaxMs: FAILOVER_MS,
    async run(world, topic) {
      const leader = await world.leader(topic, 0);
      const [follower] = world.others(leader);
      follower!.disk.fill();
      await sleep(LONG_MS);
      follower!.disk.free();
    },
  },
  {
    name: 'reassign',
    faults: 'every partition moved to other brokers',
    gapMaxMs: 5_000,
    async run(world, topic) {
      await world.moveOn(topic);
      await world.allMoved();
    },
  },
  {
    name: 'reassign-bounce',
    faults: 'the same, while every other broker is restarted',
    gapMaxMs: 8_000,
    async run(world, topic) {
      await world.moveOn(topic);
      for (const broker of world.brokers.filter((_, i) => i % 2 === 0)) {
        await broker.stop();
        await broker.start();
      }
      await world.allMoved();
    },
  },
  {
    name: 'reassign-throttled-bounce',
    faults: 'a large topic moved under a throttle, and another one; two brokers restarted in the midst of it',
    gapMaxMs: 8_000,
    run: moveThrottled,
  },
  {
    name: 'rolling-restart',
    faults: 'every broker stopped in order and started again, one after the other',
    gapMaxMs: 5_000,
    async run(world) {
      for (const broker of world.brokers) {
        await broker.stop();
        await broker.start();
        await world.allInSync();
      }
    },
  },
];

function clusterHosts(world: World, broker: BrokerNode): Host[] {
  return [...world.zookeepers, ...world.others(broker)].map(({ host }) => host);
}
