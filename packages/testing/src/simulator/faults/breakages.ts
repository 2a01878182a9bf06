import type { SimulatedCluster } from '../cluster/simulated-cluster.ts';
import type { World } from '../cluster/world.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import { chanceOf, type FaultScript, type Happening, NOTHING } from './fault-script.ts';

/** Of the reads of a disk that misreads, so many have a flipped bit. */
const ROT_CHANCE = 0.3;
/** So many clients, the administrator among them, every run has from its beginning. */
const CLIENTS = 10;

/** What goes wrong with machines, disks, networks, the ensemble and clients. */
export const BREAKAGES = {
  kill: {
    weight: 4,
    maxMs: 8_000,
    begin: (_, cluster, { broker }) => cluster.broker(broker).kill(),
    end: (_, cluster, { broker }) => cluster.broker(broker).start(),
  },
  stop: {
    weight: 2,
    maxMs: 5_000,
    begin: (_, cluster, { broker }) => cluster.broker(broker).stop(),
    end: (_, cluster, { broker }) => {
      cluster.broker(broker).kill();
      cluster.broker(broker).start();
    },
  },
  'lose-power': {
    weight: 3,
    maxMs: 8_000,
    begin: (_, cluster, { broker }) => {
      // Two at once may take what was acknowledged: Kafka acknowledges without syncing.
      if (!cluster.brokers.some(({ hasLostPower }) => hasLostPower)) cluster.broker(broker).losePower();
    },
    end: (_, cluster, { broker }) => cluster.broker(broker).start(),
  },
  'full-disk': {
    weight: 1,
    maxMs: 6_000,
    begin: (_, cluster, { broker }) => cluster.broker(broker).fillDisk(),
    end: (_, cluster, { broker }) => cluster.broker(broker).freeDisk(),
  },
  'failing-sync': {
    weight: 1,
    maxMs: 0,
    begin: (_, cluster, { broker }) => cluster.broker(broker).failNextSync(),
    end: NOTHING,
  },
  pause: {
    weight: 3,
    maxMs: 8_000,
    begin: (_, cluster, { broker }) => cluster.broker(broker).pause(),
    end: (_, cluster, { broker }) => cluster.broker(broker).resume(),
  },
  'pause-client': {
    weight: 3,
    maxMs: 12_000,
    begin: (world, _, fault) => {
      const client = clientOf(world, fault);
      world.trace.note(`${client.host} is paused`);
      client.pause();
    },
    end: (world, _, fault) => {
      const client = clientOf(world, fault);
      if (client.isPaused) world.trace.note(`${client.host} goes on`);
      client.resume();
    },
  },
  'kill-client': {
    weight: 2,
    maxMs: 8_000,
    begin: ({ mortals }, _, fault) => chanceOf(fault).pick(mortals).kill(),
    end: ({ mortals }, _, fault) => chanceOf(fault).pick(mortals).start(),
  },
  'block-one-way': {
    weight: 3,
    maxMs: 6_000,
    begin: (world, cluster, fault) => block(world, [hostsOf(cluster, fault)]),
    end: (world, cluster, fault) => unblock(world, [hostsOf(cluster, fault)]),
  },
  'block-both-ways': {
    weight: 3,
    maxMs: 6_000,
    begin: (world, cluster, fault) => block(world, bothWays(hostsOf(cluster, fault))),
    end: (world, cluster, fault) => unblock(world, bothWays(hostsOf(cluster, fault))),
  },
  isolate: {
    weight: 3,
    maxMs: 8_000,
    begin: (world, cluster, { broker }) => block(world, aroundBroker(cluster, broker)),
    end: (world, cluster, { broker }) => unblock(world, aroundBroker(cluster, broker)),
  },
  cut: {
    weight: 2,
    maxMs: 0,
    begin: (world, cluster, fault) => {
      const [from, to] = hostsOf(cluster, fault);
      world.trace.note(`connections between ${from} and ${to} break`);
      world.network.cut(from, to);
    },
    end: NOTHING,
  },
  'lose-zookeeper': {
    weight: 3,
    maxMs: 0,
    begin: (_, cluster, { broker }) => cluster.broker(broker).loseSessionConnection(),
    end: NOTHING,
  },
  'expire-session': {
    weight: 2,
    maxMs: 0,
    begin: (_, cluster, { broker }) => cluster.broker(broker).expireSession(),
    end: NOTHING,
  },
  'no-zookeeper': {
    weight: 1,
    maxMs: 6_000,
    begin: (world, cluster) => block(world, aroundEnsemble(cluster)),
    end: (world, cluster) => unblock(world, aroundEnsemble(cluster)),
  },
  'bit-rot': {
    weight: 2,
    maxMs: 4_000,
    begin: (_, cluster, { broker }) => cluster.broker(broker).misread(ROT_CHANCE),
    end: (_, cluster, { broker }) => cluster.broker(broker).misread(0),
  },
  'step-clock': {
    weight: 1,
    maxMs: 5_000,
    begin: (world, cluster, { broker, forMs }) => {
      world.trace.note(`the clock of broker ${broker} steps by ${Math.round(forMs - 2_500)} ms`);
      cluster.broker(broker).clock.step(Math.round(forMs - 2_500));
    },
    end: NOTHING,
  },
} satisfies Record<string, FaultScript>;

/** Of those that are there from the beginning: later ones do not change who it is. */
function clientOf({ clients }: World, fault: Happening): SimulatedProcess {
  return clients[chanceOf(fault).below(CLIENTS)]!;
}

type Way = readonly [from: string, to: string];

function hostsOf(cluster: SimulatedCluster, { broker, other }: Happening): Way {
  return [cluster.broker(broker).host, other === 0 ? 'zookeeper' : cluster.broker(other).host];
}

function bothWays([from, to]: Way): Way[] {
  return [
    [from, to],
    [to, from],
  ];
}

/** From one broker to all others and the ensemble, and back; its clients still reach it. */
function aroundBroker(cluster: SimulatedCluster, broker: number): Way[] {
  const { host } = cluster.broker(broker);
  const others = [...cluster.brokers.map((other) => other.host), 'zookeeper'].filter(
    (other) => other !== host,
  );
  return others.flatMap((other) => bothWays([host, other]));
}

function aroundEnsemble(cluster: SimulatedCluster): Way[] {
  return cluster.brokers.flatMap(({ host }) => bothWays([host, 'zookeeper']));
}

function block(world: World, ways: readonly Way[]): void {
  for (const [from, to] of ways) {
    world.trace.note(`nothing gets from ${from} to ${to}`);
    world.network.block(from, to);
  }
}

function unblock(world: World, ways: readonly Way[]): void {
  for (const [from, to] of ways) {
    world.trace.note(`${from} reaches ${to} again`);
    world.network.unblock(from, to);
  }
}
