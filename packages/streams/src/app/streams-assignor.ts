import type { Assignor, GroupAssignment, GroupSubscriber, TopicPartition } from '@odradek/client';
import type { Subtopology } from '../topology/topology.ts';
import { topicName } from '../topology/flow.ts';

interface PlannedTask {
  readonly id: string;
  readonly partitions: readonly TopicPartition[];
}

const CLAIMS_MAX = 10_000;

export function taskId(subtopology: number, partition: number): string {
  return `${subtopology}_${partition}`;
}

/**
 * Shares tasks out, whole: the partitions of one number of all topics of a subtopology go to one member. Everybody gets
 * as many, give or take one, and first what its own state is of.
 */
export class StreamsAssignor implements Assignor {
  readonly name = 'odradek-streams';
  readonly isCooperative = false;
  private readonly subtopologies: readonly { readonly index: number; readonly topics: readonly string[] }[];
  private readonly claims: () => readonly string[];

  /** @param claims the tasks that this member has state of */
  constructor(subtopologies: readonly Subtopology[], applicationId: string, claims: () => readonly string[]) {
    this.subtopologies = subtopologies.map(({ index, topics }) => ({
      index,
      topics: topics.map((topic) => topicName(topic, applicationId)),
    }));
    this.claims = claims;
  }

  userData(): Buffer {
    return Buffer.from(this.claims().slice(0, CLAIMS_MAX).join(' '));
  }

  assign(members: readonly GroupSubscriber[], partitionCounts: ReadonlyMap<string, number>): GroupAssignment {
    const sorted = members.toSorted((a, b) => compare(identity(a), identity(b)));
    const assigned: GroupAssignment = new Map(sorted.map(({ memberId }) => [memberId, []]));
    const counts = new Map(sorted.map(({ memberId }) => [memberId, 0]));
    const tasks = this.tasks(partitionCounts);
    const share = Math.ceil(tasks.length / sorted.length);
    const give = (task: PlannedTask, { memberId }: GroupSubscriber): void => {
      assigned.get(memberId)!.push(...task.partitions);
      counts.set(memberId, counts.get(memberId)! + 1);
    };
    const countOf = ({ memberId }: GroupSubscriber): number => counts.get(memberId)!;
    const claims = new Map(sorted.map((member) => [member, claimsOf(member)]));
    const left = tasks.filter((task) => {
      const owner = sorted.find((member) => claims.get(member)!.has(task.id) && countOf(member) < share);
      if (owner === undefined || !reads(owner, task)) return true;
      give(task, owner);
      return false;
    });
    for (const task of left) {
      const readers = sorted.filter((member) => reads(member, task));
      const owner = readers.toSorted((a, b) => countOf(a) - countOf(b))[0];
      if (owner !== undefined) give(task, owner);
    }
    return assigned;
  }

  private tasks(partitionCounts: ReadonlyMap<string, number>): PlannedTask[] {
    return this.subtopologies.flatMap(({ index, topics }) => {
      const count = Math.max(0, ...topics.map((topic) => partitionCounts.get(topic) ?? 0));
      return Array.from({ length: count }, (_, partition) => ({
        id: taskId(index, partition),
        partitions: topics
          .filter((topic) => partition < (partitionCounts.get(topic) ?? 0))
          .map((topic) => ({ topic, partition })),
      }));
    });
  }
}

/** During an upgrade some members may read fewer topics. */
function reads({ topics }: GroupSubscriber, { partitions }: PlannedTask): boolean {
  return partitions.every(({ topic }) => topics.includes(topic));
}

function claimsOf({ userData }: GroupSubscriber): ReadonlySet<string> {
  return new Set(userData === null ? [] : userData.toString().split(' '));
}

function identity({ instanceId, memberId }: GroupSubscriber): string {
  return instanceId ?? memberId;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
