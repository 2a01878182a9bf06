/**
 * Who a member of a group is at present. With it, offsets that become part of a transaction are refused when the group
 * has gone on without the member (KIP-447): take it anew for every transaction.
 */
export interface GroupMetadata {
  readonly groupId: string;
  readonly memberId: string;
  /** The generation; with the consumer protocol of KIP-848, the member's epoch. */
  readonly generationId: number;
  /** Of a static member. */
  readonly instanceId: string | null;
}
