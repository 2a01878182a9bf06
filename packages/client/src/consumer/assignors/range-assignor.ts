import { byIdentity, type PromptAssignor, type GroupAssignment } from './assignor.ts';

/**
 * Kafka's `range`: per topic its partitions in order, cut into stretches of equal length, longer ones first, for the
 * topic's subscribers in order of instance id and member id. So partitions with the same number of topics that have
 * equally many go to the same member.
 */
export const rangeAssignor: PromptAssignor = {
  name: 'range',
  isCooperative: false,
  assign(members, partitionCounts) {
    const assigned: GroupAssignment = new Map(members.map(({ memberId }) => [memberId, []]));
    const topics = new Set(members.flatMap((member) => member.topics));
    for (const topic of [...topics].toSorted()) {
      const subscribers = members.filter((member) => member.topics.includes(topic)).toSorted(byIdentity);
      const count = partitionCounts.get(topic) ?? 0;
      let next = 0;
      for (const [index, { memberId }] of subscribers.entries()) {
        const share = Math.floor(count / subscribers.length) + (index < count % subscribers.length ? 1 : 0);
        for (let i = 0; i < share; i++) assigned.get(memberId)!.push({ topic, partition: next++ });
      }
    }
    return assigned;
  },
};
