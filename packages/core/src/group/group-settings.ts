/** What rules the coordinator; the names and defaults of Kafka's settings stand beside each. */
export interface GroupSettings {
  /** group.min.session.timeout.ms */
  readonly sessionTimeoutMinMs: number;
  /** group.max.session.timeout.ms */
  readonly sessionTimeoutMaxMs: number;
  /** group.initial.rebalance.delay.ms: how long the first join of an empty group waits for others. */
  readonly initialRebalanceDelayMs: number;
  /** group.max.size: members of one group. */
  readonly sizeMax: number;
  /** offset.metadata.max.bytes; counted, as Kafka does, in UTF-16 units. */
  readonly offsetMetadataSizeMax: number;
  /** offsets.retention.minutes, in milliseconds. */
  readonly offsetsRetentionMs: number;
}

export const defaultGroupSettings: GroupSettings = {
  sessionTimeoutMinMs: 6_000,
  sessionTimeoutMaxMs: 1_800_000,
  initialRebalanceDelayMs: 3_000,
  sizeMax: 0x7fffffff,
  offsetMetadataSizeMax: 4_096,
  offsetsRetentionMs: 7 * 24 * 60 * 60_000,
};
