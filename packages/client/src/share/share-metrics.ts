import type { ShareCounts } from './share-fetcher.ts';

/** What a share consumer has done since it was made, and where it stands. A copy: it does not change. */
export interface ShareMetrics extends Readonly<ShareCounts> {
  readonly recordsDelivered: number;
  /** Calls of handlers that ended with an error. */
  readonly handlersFailed: number;
  /** Acquired and not handed out yet. */
  readonly recordsBuffered: number;
  /** Handed out and without a verdict. */
  readonly recordsInHand: number;
  /** With a verdict that brokers have not confirmed. */
  readonly recordsUnsettled: number;
  readonly stalls: number;
  /** The longest that the event loop was seen blocked, milliseconds. */
  readonly eventLoopBlockedMaxMs: number;
}
