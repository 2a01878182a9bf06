import type { Assignor, GroupSubscriber, TopicPartition } from '@odradek/client/index.ts';
import { KafkaJSNonRetriableError } from '../errors.ts';
import type { Logger } from '../logging.ts';
import type { PartitionMetadata } from '../partitioners.ts';
import { AssignerProtocol, type Assignment } from './assigner-protocol.ts';

export interface GroupMember {
  readonly memberId: string;
  readonly memberMetadata: Buffer;
}

export interface GroupMemberAssignment {
  readonly memberId: string;
  readonly memberAssignment: Buffer;
}

export interface GroupState {
  readonly name: string;
  readonly metadata: Buffer;
}

/** Shares partitions out; runs on the member that leads the group. */
export interface Assigner {
  readonly name: string;
  readonly version: number;
  assign(group: {
    readonly members: GroupMember[];
    readonly topics: string[];
  }): GroupMemberAssignment[] | Promise<GroupMemberAssignment[]>;
  protocol(subscription: { readonly topics: string[] }): GroupState;
}

/** What an assigner can ask of the cluster. */
export interface AssignerCluster {
  /** Empty when nothing is known of the topic. */
  findTopicPartitionMetadata(topic: string): PartitionMetadata[];
}

export type PartitionAssigner = (config: {
  readonly cluster: AssignerCluster;
  readonly groupId: string;
  readonly logger: Logger;
}) => Assigner;

const ROUND_ROBIN = { name: 'RoundRobinAssigner', version: 0 } as const;

/**
 * One partition after the other to one member after the other, by their ids. The name and bytes are those of KafkaJS,
 * so that members of both share a group while programs move over; but each member gets only what it reads.
 */
const roundRobin: PartitionAssigner = ({ cluster }) => ({
  ...ROUND_ROBIN,
  assign({ members, topics }) {
    const readers = members
      .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
      .map(({ memberId, memberMetadata }) => ({
        memberId,
        reads: readTopics(memberMetadata),
        // A topic may be called constructor.
        assignment: Object.create(null) as Assignment,
      }));
    let turn = 0;
    for (const topic of topics) {
      const eligible = readers.filter(({ reads }) => reads === null || reads.has(topic));
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        if (eligible.length === 0) break;
        const { assignment } = eligible[turn++ % eligible.length]!;
        (assignment[topic] ??= []).push(partitionId);
      }
    }
    return readers.map(({ memberId, assignment }) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: ROUND_ROBIN.version,
        assignment,
      }),
    }));
  },
  protocol: ({ topics }) => ({
    name: ROUND_ROBIN.name,
    metadata: AssignerProtocol.MemberMetadata.encode({ version: ROUND_ROBIN.version, topics }),
  }),
});

export const PartitionAssigners = { roundRobin } as const;

/** Null when a member does not say. */
function readTopics(memberMetadata: Buffer | undefined): ReadonlySet<string> | null {
  const decoded =
    memberMetadata === undefined ? null : AssignerProtocol.MemberMetadata.decode(memberMetadata);
  return decoded === null ? null : new Set(decoded.topics);
}

/**
 * KafkaJS's assigner as one of ours.
 *
 * @param topics that this member reads
 * @param learn makes the partitions of topics known to the cluster that the assigner asks
 */
export function asAssignor(
  assigner: Assigner,
  topics: readonly string[],
  learn: (topics: readonly string[]) => Promise<void>,
): Assignor {
  return {
    name: assigner.name,
    isCooperative: false,
    userData: () => {
      const { metadata } = assigner.protocol({ topics: [...topics] });
      return AssignerProtocol.MemberMetadata.decode(metadata)?.userData ?? null;
    },
    async assign(members) {
      const wanted = [...new Set(members.flatMap((member) => member.topics))].toSorted();
      await learn(wanted);
      const shares = await assigner.assign({ members: members.map(groupMember), topics: wanted });
      if (!Array.isArray(shares)) {
        throw new KafkaJSNonRetriableError(`Assigner ${assigner.name} returned no list of assignments`);
      }
      const byMember = new Map(shares.map(({ memberId, memberAssignment }) => [memberId, memberAssignment]));
      return new Map(members.map(({ memberId }) => [memberId, partitionsOf(byMember.get(memberId))]));
    },
  };
}

function groupMember({ memberId, topics, userData }: GroupSubscriber): GroupMember {
  const memberMetadata = AssignerProtocol.MemberMetadata.encode({
    version: 0,
    topics,
    userData: userData ?? Buffer.alloc(0),
  });
  return { memberId, memberMetadata };
}

function partitionsOf(memberAssignment: Buffer | undefined): TopicPartition[] {
  const decoded =
    memberAssignment === undefined ? null : AssignerProtocol.MemberAssignment.decode(memberAssignment);
  return Object.entries(decoded?.assignment ?? {}).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}
