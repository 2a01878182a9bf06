/** What the partitions of `__consumer_offsets` hold, apart from its bytes. A null value removes (a tombstone). */
export type GroupRecord = OffsetRecord | GroupMetadataRecord;

export interface OffsetRecord {
  readonly kind: 'offset';
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset | null;
}

export interface CommittedOffset {
  readonly offset: number;
  /** Epoch of the leader that the consumer had the last record from, -1 when unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** Set by commits of v2 to v4 that bring a retention time; null: the broker's retention rules. */
  readonly expireTimestampMs: number | null;
}

export interface GroupMetadataRecord {
  readonly kind: 'group';
  readonly groupId: string;
  readonly value: StoredGroup | null;
}

export interface StoredGroup {
  /** Empty when the group never had members. */
  readonly protocolType: string;
  readonly generationId: number;
  /** null while there are no members. */
  readonly protocolName: string | null;
  readonly leader: string | null;
  /** When the group came into its state; null in records of brokers before 2.1. */
  readonly stateSinceMs: number | null;
  readonly members: readonly StoredMember[];
}

export interface StoredMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** The member's metadata under the group's protocol. */
  readonly subscription: Buffer;
  readonly assignment: Buffer;
}
