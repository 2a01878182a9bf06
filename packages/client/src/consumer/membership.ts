import type { TopicPartition } from '../cluster/topic-partition.ts';
import type { Committer } from './committed-offsets.ts';

/** What members and brokers tell. */
export interface MembershipEvents {
  /** The group forms anew, or this member's share changes: join again. */
  readonly rejoinNeeded: () => void;
  /** This member is out: others may have its partitions already. */
  readonly lost: (reason?: Error) => void;
  /** It must not come back by itself either. */
  readonly failed: (error: Error) => void;
}

/** Why joining does not succeed, and since when. */
export interface JoinTrouble {
  /** Monotonic time. */
  readonly sinceMs: number;
  readonly error: Error;
}

/** One member of a group, by whichever protocol. */
export interface Membership {
  /** Whether this member belongs to the group at present, as far as it knows. */
  readonly isMember: boolean;
  /** The coordinator must have given the place away by now, whatever is known of it. */
  readonly isExpired: boolean;
  readonly trouble: JoinTrouble | null;
  /** For commits. */
  readonly committer: Committer;
  /** Another one after the place was lost, or the group formed anew: what was begun before is of no use. */
  readonly incarnation: number;
  /** There is a reason to join again that nobody tells of. */
  readonly isAssignmentOutdated: boolean;

  /**
   * Joins, again if need be, until there is an assignment.
   *
   * @param owned what this member goes on reading meanwhile, or null to join no more; asked before every attempt
   * @returns null when it was not to join any more
   * @throws KafkaError when the group does not take this member; ClosedError
   */
  join(owned: () => readonly TopicPartition[] | null): Promise<readonly TopicPartition[] | null>;
  /** What the last join returned has been taken over, but for what is still to be given up. */
  adopted(): void;
  /** Joins no more; the place is kept until `close`. */
  refuse(): void;
  /** Has heard, when this returns, what was said to it while the event loop was blocked. */
  catchUp(): void;
  /** What the coordinator said to something else that was sent in the name of this member. */
  noteRefusal(code: number, generationId: number): void;
  /** The next `join` comes as a new member. Never throws. */
  leave(): Promise<void>;
  /** Leaves for good, so that the others need not wait; static members keep their place. Never throws. */
  close(): Promise<void>;
  /** Waits for no heartbeat any more: the connections are gone. */
  cut(): void;
}
