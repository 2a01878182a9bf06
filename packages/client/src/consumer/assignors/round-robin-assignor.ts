import { byIdentity, wantedPartitions, type PromptAssignor, type GroupAssignment } from './assignor.ts';

/**
 * Kafka's `roundrobin`: all partitions of all topics in order, dealt to the members in turn, passing over those that
 * do not want the topic. Even shares when all members want the same.
 */
export const roundRobinAssignor: PromptAssignor = {
  name: 'roundrobin',
  isCooperative: false,
  assign(members, partitionCounts) {
    const assigned: GroupAssignment = new Map(members.map(({ memberId }) => [memberId, []]));
    const inTurn = members.toSorted(byIdentity);
    let turn = 0;
    for (const at of wantedPartitions(members, partitionCounts)) {
      // Somebody wants it, or it would not be there.
      while (!inTurn[turn % inTurn.length]!.topics.includes(at.topic)) turn++;
      assigned.get(inTurn[turn++ % inTurn.length]!.memberId)!.push(at);
    }
    return assigned;
  },
};
