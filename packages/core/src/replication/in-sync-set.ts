import { ErrorCode } from '@odradek/protocol/errors.ts';

/** A change that the leader has asked the controller for (KIP-497) and not heard of yet. */
export type PendingChange =
  | { readonly kind: 'expand'; readonly joining: number }
  | { readonly kind: 'shrink'; readonly leaving: readonly number[] };

/**
 * The in-sync set as the leader knows it: what the controller has written, and at most one change on its way.
 * Values, never changed in place.
 */
export interface InSyncSet {
  readonly committed: readonly number[];
  readonly pending: PendingChange | null;
}

export function committedSet(isr: readonly number[]): InSyncSet {
  return { committed: isr, pending: null };
}

/**
 * All that may be in the set, whatever came of the pending change: the high watermark must wait for all of them,
 * since the controller may count on any of them by now.
 */
export function maximalSet({ committed, pending }: InSyncSet): readonly number[] {
  return pending?.kind === 'expand' ? [...committed, pending.joining] : committed;
}

/** What the controller is asked to write. */
export function proposedSet({ committed, pending }: InSyncSet): readonly number[] {
  if (pending === null) return committed;
  return pending.kind === 'expand'
    ? [...committed, pending.joining]
    : committed.filter((id) => !pending.leaving.includes(id));
}

/** What a proposal's refusal means. */
export type RefusalVerdict =
  /** The change did not happen and does not matter any more: the set is as before. */
  | 'revert'
  /** Somebody else knows better: the change may have happened, and the controller's next word settles it. */
  | 'wait for the controller'
  /** Ask again. */
  | 'retry';

/** Errors of AlterPartition, as a leader takes them. */
export function judgeRefusal(errorCode: number): RefusalVerdict {
  switch (errorCode) {
    case ErrorCode.OPERATION_NOT_ATTEMPTED:
    case ErrorCode.INELIGIBLE_REPLICA:
      return 'revert';
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.UNKNOWN_TOPIC_ID:
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.INVALID_UPDATE_VERSION:
    case ErrorCode.INVALID_REQUEST:
    case ErrorCode.NEW_LEADER_ELECTED:
      return 'wait for the controller';
    default:
      return 'retry';
  }
}
