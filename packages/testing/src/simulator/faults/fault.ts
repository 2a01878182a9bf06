import type { SimulatedCluster } from '../cluster/simulated-cluster.ts';
import type { World } from '../cluster/world.ts';

/** Something that goes wrong at a time, and is over after another. A run's faults are data: some can be left out. */
export interface Fault {
  readonly atMs: number;
  /** How long it lasts; 0 for what happens in an instant. */
  readonly forMs: number;
  readonly what: FaultKind;
  /** The broker that it happens to. */
  readonly broker: number;
  /** The other one, where two are concerned: a broker's id, or 0 for the ensemble. */
  readonly other: number;
}

interface FaultScript {
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  readonly maxMs: number;
  begin(world: World, cluster: SimulatedCluster, fault: Fault): void;
  end(world: World, cluster: SimulatedCluster, fault: Fault): void;
}

const NOTHING = (): void => {};

export const FAULTS = {
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

export type FaultKind = keyof typeof FAULTS;

export function scriptOf(kind: FaultKind): FaultScript {
  return FAULTS[kind];
}

export function describeFault({ atMs, forMs, what, broker, other }: Fault): string {
  const length = forMs > 0 ? ` for ${Math.round(forMs)} ms` : '';
  const between = other === broker ? '' : ` and ${other === 0 ? 'zookeeper' : `broker ${other}`}`;
  return `at ${Math.round(atMs)} ms: ${what} broker ${broker}${between}${length}`;
}

type Way = readonly [from: string, to: string];

function hostsOf(cluster: SimulatedCluster, { broker, other }: Fault): Way {
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
