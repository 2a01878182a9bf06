import { partitionKey, type TopicPartition } from '../../cluster/topic-partition.ts';
import { byIdentity, wantedPartitions, type GroupAssignment, type GroupSubscriber } from './assignor.ts';

/** What a member says it had, and when it got it. */
export interface Claim {
  readonly partitions: readonly TopicPartition[];
  readonly generation: number;
}

interface Seat {
  readonly member: GroupSubscriber;
  readonly topics: ReadonlySet<string>;
  load: number;
}

/**
 * Shares that are even, and change as little as they can: everybody keeps what they rightly claim, what is free goes
 * to whoever has least, and only then partitions move from those who have more to those who have at least two less.
 * Each such move makes the shares more even, so there is an end.
 *
 * Of several claims to one partition the one of the newest generation counts; equals cancel each other (KIP-792).
 */
export function stickyPlan(
  members: readonly GroupSubscriber[],
  partitionCounts: ReadonlyMap<string, number>,
  claimOf: (member: GroupSubscriber) => Claim,
): GroupAssignment {
  const seats = members
    .toSorted(byIdentity)
    .map((member): Seat => ({ member, topics: new Set(member.topics), load: 0 }));
  const wanted = wantedPartitions(members, partitionCounts);
  const owners = rightfulOwners(seats, claimOf);
  const holders = new Map<string, Seat>();
  const give = (key: string, seat: Seat): void => {
    const holder = holders.get(key);
    if (holder !== undefined) holder.load--;
    seat.load++;
    holders.set(key, seat);
  };
  for (const at of wanted) {
    const owner = owners.get(partitionKey(at));
    if (owner !== undefined) give(partitionKey(at), owner);
  }
  for (const at of hardestFirst(wanted, seats)) {
    if (!holders.has(partitionKey(at))) give(partitionKey(at), leastLoaded(seats, at.topic));
  }
  for (let hasMoved = true; hasMoved;) {
    hasMoved = false;
    for (const at of wanted) {
      const least = leastLoaded(seats, at.topic);
      if (holders.get(partitionKey(at))!.load <= least.load + 1) continue;
      give(partitionKey(at), least);
      hasMoved = true;
    }
  }
  const assigned: GroupAssignment = new Map(members.map(({ memberId }) => [memberId, []]));
  for (const at of wanted) assigned.get(holders.get(partitionKey(at))!.member.memberId)!.push(at);
  return assigned;
}

function rightfulOwners(
  seats: readonly Seat[],
  claimOf: (member: GroupSubscriber) => Claim,
): Map<string, Seat> {
  const best = new Map<string, { seat: Seat | null; generation: number }>();
  for (const seat of seats) {
    const { partitions, generation } = claimOf(seat.member);
    for (const at of partitions) {
      if (!seat.topics.has(at.topic)) continue;
      const key = partitionKey(at);
      const rival = best.get(key);
      if (rival === undefined || rival.generation < generation) best.set(key, { seat, generation });
      else if (rival.generation === generation && rival.seat !== seat)
        best.set(key, { seat: null, generation });
    }
  }
  const owners = new Map<string, Seat>();
  for (const [key, { seat }] of best) if (seat !== null) owners.set(key, seat);
  return owners;
}

/** What few members want is given out before what many want. */
function hardestFirst(wanted: readonly TopicPartition[], seats: readonly Seat[]): TopicPartition[] {
  const choices = new Map<string, number>();
  for (const { topics } of seats)
    for (const topic of topics) choices.set(topic, (choices.get(topic) ?? 0) + 1);
  return wanted.toSorted((a, b) => choices.get(a.topic)! - choices.get(b.topic)!);
}

function leastLoaded(seats: readonly Seat[], topic: string): Seat {
  let least: Seat | null = null;
  for (const seat of seats) {
    if (seat.topics.has(topic) && (least === null || seat.load < least.load)) least = seat;
  }
  return least!;
}
