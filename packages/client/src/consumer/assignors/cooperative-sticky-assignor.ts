import { partitionKey } from '../../cluster/topic-partition.ts';
import type { PromptAssignor, GroupAssignment, GroupSubscriber } from './assignor.ts';
import { stickyPlan, type Claim } from './sticky-plan.ts';

/**
 * Kafka's `cooperative-sticky` (KIP-429): shares as `sticky` makes them, while members go on reading what they keep.
 * A partition that is to move is given to nobody until the member that has it joins without it.
 */
export const cooperativeStickyAssignor: PromptAssignor = {
  name: 'cooperative-sticky',
  isCooperative: true,
  userData: ({ generation }) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(generation);
    return bytes;
  },
  assign(members, partitionCounts) {
    const planned = stickyPlan(members, partitionCounts, claimOf);
    return withoutTheOwned(planned, members);
  },
};

/** Members of before KIP-792 tell their generation in their user data only. */
function claimOf({ owned, generation, userData }: GroupSubscriber): Claim {
  const isTold = generation >= 0 || userData === null || userData.length !== 4;
  return { partitions: owned, generation: isTold ? generation : userData.readInt32BE(0) };
}

function withoutTheOwned(planned: GroupAssignment, members: readonly GroupSubscriber[]): GroupAssignment {
  const ownersByPartition = new Map<string, Set<string>>();
  for (const { memberId, owned } of members) {
    for (const at of owned) {
      const key = partitionKey(at);
      ownersByPartition.set(key, (ownersByPartition.get(key) ?? new Set()).add(memberId));
    }
  }
  const isFreeFor = (key: string, memberId: string): boolean => {
    const owners = ownersByPartition.get(key);
    return owners === undefined || owners.has(memberId);
  };
  return new Map(
    [...planned].map(([memberId, partitions]) => [
      memberId,
      partitions.filter((at) => isFreeFor(partitionKey(at), memberId)),
    ]),
  );
}
