import type { BrokerNode } from '@odradek/client/cluster/metadata-cache.ts';
import type { PartitionView } from './cluster-view.ts';

/** Where one partition is to lie, the preferred leader first. */
export interface PlannedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
}

export interface PlanGoal {
  /** The brokers that hold replicas in the end. */
  readonly brokers: readonly Pick<BrokerNode, 'nodeId' | 'rack'>[];
  /** Replicas of each partition; null: as many as it has. */
  readonly replicationFactor: number | null;
}

/**
 * Spreads replicas and leaders evenly over brokers with as few moves as that takes: replicas that may stay do, those
 * that are missing go to the broker with the least, in a rack that the partition is not in where there is one.
 *
 * @returns the partitions that change
 * @throws RangeError when there are fewer brokers than replicas
 */
export function planReassignment(
  partitions: readonly PartitionView[],
  { brokers, replicationFactor }: PlanGoal,
): PlannedPartition[] {
  const rackOf = new Map(brokers.map(({ nodeId, rack }) => [nodeId, rack]));
  const held = new Map(brokers.map(({ nodeId }) => [nodeId, 0]));
  const kept = partitions.map((partition) => {
    const count = replicationFactor ?? partition.replicas.length;
    if (count > brokers.length) {
      throw new RangeError(`${count} replicas need as many brokers; there are ${brokers.length}`);
    }
    const staying = partition.replicas.filter((id) => rackOf.has(id)).slice(0, count);
    for (const id of staying) tally(held, id, 1);
    return { partition, count, replicas: staying };
  });
  for (const each of kept) {
    while (each.replicas.length < each.count) add(each.replicas, held, rackOf);
  }
  for (const each of kept) moveToEmptier(each.replicas, held, rackOf);
  const leads = new Map(brokers.map(({ nodeId }) => [nodeId, 0]));
  return kept.flatMap(({ partition: { topic, partition, replicas: before }, replicas }) => {
    const after = withLeader(replicas, leads);
    return isSameOrder(before, after) ? [] : [{ topic, partition, replicas: after }];
  });
}

type Counts = Map<number, number>;
type Racks = ReadonlyMap<number, string | null>;

function tally(counts: Counts, id: number, change: number): void {
  counts.set(id, (counts.get(id) ?? 0) + change);
}

function add(replicas: number[], held: Counts, rackOf: Racks): void {
  const id = emptiest(replicas, held, rackOf);
  replicas.push(id);
  tally(held, id, 1);
}

/** Of the brokers that do not hold the partition: in a new rack, then with the least, then of the lowest id. */
function emptiest(replicas: readonly number[], held: Counts, rackOf: Racks): number {
  const racks = new Set(replicas.map((id) => rackOf.get(id) ?? null));
  const isInNewRack = (id: number) => (racks.has(rackOf.get(id) ?? null) ? 1 : 0);
  const free = [...held.keys()].filter((id) => !replicas.includes(id));
  return free.toSorted((a, b) => isInNewRack(a) - isInNewRack(b) || held.get(a)! - held.get(b)! || a - b)[0]!;
}

/** A replica leaves a broker that has two more than the one that it goes to, if the racks stay as many. */
function moveToEmptier(replicas: number[], held: Counts, rackOf: Racks): void {
  for (const [index, from] of replicas.entries()) {
    const others = replicas.filter((id) => id !== from);
    const racksBefore = new Set(replicas.map((id) => rackOf.get(id) ?? null)).size;
    const better = [...held.keys()]
      .filter((id) => !replicas.includes(id) && held.get(id)! + 1 < held.get(from)!)
      .filter((id) => new Set([...others, id].map((each) => rackOf.get(each) ?? null)).size >= racksBefore)
      .toSorted((a, b) => held.get(a)! - held.get(b)! || a - b)[0];
    if (better === undefined) continue;
    replicas[index] = better;
    tally(held, from, -1);
    tally(held, better, 1);
  }
}

/** The replica that leads the least so far comes first; the present first one where it is as good. */
function withLeader(replicas: readonly number[], leads: Counts): number[] {
  const least = Math.min(...replicas.map((id) => leads.get(id)!));
  const leader = replicas.find((id) => leads.get(id) === least)!;
  tally(leads, leader, 1);
  return [leader, ...replicas.filter((id) => id !== leader)];
}

function isSameOrder(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((id, index) => id === other[index]);
}

/** The same replicas, a broker the last of them: it is not led there any more once the preferred leader is elected. */
export function planLeadersOff(partitions: readonly PartitionView[], brokerId: number): PlannedPartition[] {
  return partitions
    .filter(({ replicas, leaderId }) => leaderId === brokerId || replicas[0] === brokerId)
    .flatMap(({ topic, partition, replicas, isr }) => {
      const others = replicas.filter((id) => id !== brokerId);
      const inSync = others.filter((id) => isr.includes(id));
      if (inSync.length === 0) return [];
      const behind = others.filter((id) => !isr.includes(id));
      return [{ topic, partition, replicas: [...inSync, ...behind, brokerId] }];
    });
}
