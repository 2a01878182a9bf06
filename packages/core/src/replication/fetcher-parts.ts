import type { Clock, Timers } from '../ports/clock.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { PeerLink } from '../ports/peers.ts';
import type { ReplicationQuota } from './replication-quota.ts';

/** Settings of fetching, read at each request: they may change. */
export interface FetcherSettings {
  /** `replica.fetch.wait.max.ms` */
  readonly waitMaxMs: number;
  /** `replica.fetch.min.bytes` */
  readonly minBytes: number;
  /** `replica.fetch.response.max.bytes` */
  readonly maxBytes: number;
  /** `replica.fetch.max.bytes` */
  readonly partitionMaxBytes: number;
  /** `replica.fetch.backoff.ms`: pause after an error. */
  readonly backoffMs: number;
  /** `replica.socket.timeout.ms`: so long an answer may take beyond `waitMaxMs`. */
  readonly timeoutMs: number;
}

export interface FetcherParts {
  readonly nodeId: number;
  readonly leaderId: number;
  readonly link: PeerLink;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: LogSink;
  /** This broker's epoch (czxid of its registration), or -1. */
  brokerEpoch(): number;
  settings(): FetcherSettings;
  /** Records were taken or the log was cut: those who wait may be woken. */
  progressed(): void;
  /** What throttled followers may take, over all fetchers; absent: without limit. */
  readonly quota?: ReplicationQuota;
}
