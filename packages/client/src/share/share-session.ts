import type { TopicPartition } from '../cluster/topic-partition.ts';

/** One partition to read, of a topic as it is now. */
export interface ShareTarget extends TopicPartition {
  readonly topicId: string;
}

/** What one request says of the partitions it is about. */
export interface ShareSessionPlan {
  readonly epoch: number;
  /** Those that the broker does not read for this member yet. */
  readonly added: readonly ShareTarget[];
  /** Those that it is not to read any more. */
  readonly forgotten: readonly ShareTarget[];
}

const FIRST_EPOCH = 0;
const LAST_EPOCH = -1;
const EPOCH_MAX = 0x7fffffff;

/**
 * What one broker remembers of this member: the partitions that it reads, and, on that broker's side, what it has
 * acquired. Whoever loses the session loses what it has acquired as well. One request at a time, with the epoch of
 * `plan` or `epoch`, then `answered` or `lost`.
 */
export class ShareSession {
  private nextEpoch = FIRST_EPOCH;
  private known = new Map<string, ShareTarget>();

  get isOpen(): boolean {
    return this.nextEpoch !== FIRST_EPOCH;
  }

  /** For the next request, unless that is the last. */
  get epoch(): number {
    return this.nextEpoch;
  }

  /** Ends the session; what is acquired and not acknowledged with it is released. */
  get lastEpoch(): number {
    return LAST_EPOCH;
  }

  /** How to read exactly these partitions. */
  plan(targets: readonly ShareTarget[]): ShareSessionPlan {
    const wanted = new Map(targets.map((target) => [targetKey(target), target]));
    return {
      epoch: this.nextEpoch,
      added: targets.filter((target) => !this.known.has(targetKey(target))),
      forgotten: [...this.known].filter(([key]) => !wanted.has(key)).map(([, target]) => target),
    };
  }

  /** @param targets what the broker reads from now on; left out when the request was about something else */
  answered(targets?: readonly ShareTarget[]): void {
    this.nextEpoch = this.nextEpoch === EPOCH_MAX ? 1 : this.nextEpoch + 1;
    if (targets !== undefined) this.known = new Map(targets.map((target) => [targetKey(target), target]));
  }

  lost(): void {
    this.nextEpoch = FIRST_EPOCH;
    this.known.clear();
  }
}

/** Of a partition of a topic by its id: one that was made anew is another one under the same name. */
export function targetKey({ topicId, partition }: Pick<ShareTarget, 'topicId' | 'partition'>): string {
  return `${topicId} ${partition}`;
}
