import { decodeAssignment } from '@odradek/client/consumer/consumer-protocol.ts';
import { decodeResponse } from '@odradek/client/network/request-frame.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import type { Exchange } from '../clients/frame-tap.ts';
import type { Problems } from './problem.ts';

/**
 * What a group must keep: in one generation no partition belongs to two members, and offsets whose commit was
 * acknowledged are where the next owner begins, or are passed.
 */
export class GroupChecker {
  private readonly problems: Problems;
  /** By generation and partition, the member that has it. */
  private readonly owners = new Map<string, string>();
  /** By partition, the highest offset whose commit was acknowledged. */
  private readonly committed = new Map<number, number>();
  /** Of the topic that the group reads; where records are lost, offsets that were committed may lie beyond the end. */
  private readonly topic: string;
  private readonly excused = new Set<number>();
  private isExcused = false;

  /** @param topic that the group reads */
  constructor(problems: Problems, topic: string) {
    this.problems = problems;
    this.topic = topic;
  }

  /** To be shown all that goes between members and brokers. */
  seen({ header, request, answer }: Exchange): void {
    if (header.apiKey !== syncGroupApi.key) return;
    const { apiVersion } = header;
    const { generationId, ...member } = syncGroupApi.readRequest(request, apiVersion);
    // A static member that begins anew is the same, under another id.
    const memberId = member.groupInstanceId ?? member.memberId;
    const { errorCode, assignment } = decodeResponse(syncGroupApi, apiVersion, answer);
    if (errorCode !== ErrorCode.NONE || assignment.length === 0) return;
    for (const { topic, partition } of decodeAssignment(assignment)) {
      const key = `${topic}-${partition} in generation ${generationId}`;
      const owner = this.owners.get(key);
      // A group whose records are lost counts its generations anew.
      if (owner !== undefined && owner !== memberId && !this.isExcused) {
        this.problems.add('two-owners', `${key} belongs to ${owner} and to ${memberId}`);
      }
      this.owners.set(key, memberId);
    }
  }

  /** A partition may lose records: if it is one of the offsets topic, commits too. */
  excuse(partition: string): void {
    if (partition.startsWith('__consumer_offsets-')) this.isExcused = true;
    const index = partition.startsWith(`${this.topic}-`)
      ? Number(partition.slice(this.topic.length + 1))
      : NaN;
    this.excused.add(index);
  }

  acknowledged(partition: number, offset: number): void {
    this.committed.set(partition, Math.max(offset, this.committedOffset(partition)));
  }

  /** The highest offset whose commit was acknowledged up to now. */
  committedOffset(partition: number): number {
    return this.committed.get(partition) ?? 0;
  }

  /** @param committedBefore when the owner asked where to begin */
  begins(member: string, partition: number, offset: number, committedBefore: number): void {
    if (offset >= committedBefore || this.isExcused || this.excused.has(partition)) return;
    this.problems.add(
      'committed-offset-lost',
      `${member} begins partition ${partition} at ${offset}, though ${committedBefore} was committed before`,
    );
  }
}
