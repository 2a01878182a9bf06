/** A broker that may take replicas. */
export interface PlacementBroker {
  readonly brokerId: number;
  readonly rack: string | null;
}

export interface PlacementRequest {
  readonly partitionCount: number;
  /** 1 to the number of brokers. */
  readonly replicationFactor: number;
  /** Index of the first partition: 0, or the count so far when a topic grows. */
  readonly firstPartition: number;
  /** Where in the list of brokers the first partition's leader stands, and the shift of its followers: any integers from 0. */
  readonly startIndex: number;
  readonly startShift: number;
}

/**
 * Spreads replicas as Apache Kafka does in ZooKeeper mode: leaders round robin from `startIndex`, followers at a
 * distance that grows by one per round, so that no two brokers share all their partitions. When every broker has
 * a rack, the list alternates between racks and a partition's replicas fall on different racks while there are any
 * left (KIP-36).
 *
 * @param brokers not empty; racks count only if all have one
 * @returns the replicas per partition, the preferred leader first
 */
export function placeReplicas(brokers: readonly PlacementBroker[], request: PlacementRequest): number[][] {
  const racks = rackByBroker(brokers);
  const order = racks === null ? sortedIds(brokers) : alternateRacks(brokers);
  const placed: number[][] = [];
  let shift = request.startShift;
  for (let i = 0; i < request.partitionCount; i++) {
    const partition = request.firstPartition + i;
    if (partition > 0 && partition % order.length === 0) shift += 1;
    const leaderAt = (partition + request.startIndex) % order.length;
    placed.push(placePartition(order, racks, leaderAt, shift, request.replicationFactor));
  }
  return placed;
}

function placePartition(
  order: readonly number[],
  racks: ReadonlyMap<number, string> | null,
  leaderAt: number,
  shift: number,
  replicationFactor: number,
): number[] {
  const leader = order[leaderAt]!;
  const replicas = [leader];
  const rackCount = racks === null ? 1 : new Set(racks.values()).size;
  const usedRacks = new Set<string>();
  if (racks !== null) usedRacks.add(racks.get(leader)!);
  // Every broker comes by once in order.length - 1 steps; racks are full after one round at the latest.
  for (let step = 0; replicas.length < replicationFactor; step++) {
    const distance = 1 + ((shift * rackCount + step) % (order.length - 1));
    const broker = order[(leaderAt + distance) % order.length]!;
    if (replicas.includes(broker)) continue;
    const rack = racks?.get(broker);
    if (rack !== undefined && usedRacks.has(rack) && usedRacks.size < rackCount) continue;
    replicas.push(broker);
    if (rack !== undefined) usedRacks.add(rack);
  }
  return replicas;
}

function sortedIds(brokers: readonly PlacementBroker[]): number[] {
  return brokers.map((broker) => broker.brokerId).sort((a, b) => a - b);
}

function rackByBroker(brokers: readonly PlacementBroker[]): Map<number, string> | null {
  const racks = new Map<number, string>();
  for (const { brokerId, rack } of brokers) {
    if (rack === null) return null;
    racks.set(brokerId, rack);
  }
  return racks;
}

/** One broker of each rack in turn, racks by name, brokers of a rack by id. */
function alternateRacks(brokers: readonly PlacementBroker[]): number[] {
  const byRack = new Map<string, number[]>();
  for (const brokerId of sortedIds(brokers)) {
    const rack = brokers.find((broker) => broker.brokerId === brokerId)!.rack!;
    byRack.set(rack, [...(byRack.get(rack) ?? []), brokerId]);
  }
  const racks = [...byRack.keys()].sort().map((rack) => byRack.get(rack)!);
  const order: number[] = [];
  for (let round = 0; order.length < brokers.length; round++) {
    for (const rack of racks) {
      const brokerId = rack[round];
      if (brokerId !== undefined) order.push(brokerId);
    }
  }
  return order;
}
