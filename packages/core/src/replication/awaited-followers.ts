import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { FetchPartitionResult } from './fetch-request.ts';

/** Of a fetch, while its follower has only just begun to be awaited. */
const FIRST_WAIT_MS = 5;

interface Awaited {
  /** When the controller last named this broker as a leader for the follower. */
  sinceMs: number;
  /** Which it has not fetched since: topic, then indexes. */
  readonly partitions: Map<string, Set<number>>;
}

/** One partition, by name. */
interface Named {
  readonly topic: string;
  readonly index: number;
}

/**
 * Followers that have yet to fetch what this broker leads since a moment ago. A follower has one fetch under way, and
 * one that is parked for other partitions cannot take up another: what is acknowledged with acks=all would wait until
 * its time is up. So the fetches of an awaited follower wait no longer than it has been awaited already: it comes back
 * a few times soon, when it has been told as well, and hardly ever for one that never fetches. Bounded by the
 * partitions led here, times their followers.
 */
export class AwaitedFollowers {
  private readonly clock: Clock;
  private readonly byBroker = new Map<number, Awaited>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  expect(brokerIds: readonly number[], { topic, index }: Named): void {
    for (const brokerId of brokerIds) {
      const awaited = this.byBroker.get(brokerId) ?? { sinceMs: 0, partitions: new Map() };
      this.byBroker.set(brokerId, awaited);
      awaited.sinceMs = this.clock.monotonic();
      const indexes = awaited.partitions.get(topic);
      if (indexes === undefined) awaited.partitions.set(topic, new Set([index]));
      else indexes.add(index);
    }
  }

  /** A follower was served these: with an error it has to come again. */
  fetched(brokerId: number, results: readonly FetchPartitionResult[]): void {
    for (const { request, errorCode } of results) {
      const awaited = this.byBroker.get(brokerId);
      if (awaited === undefined) return;
      if (errorCode === ErrorCode.NONE) this.remove(brokerId, awaited, request.topic, request.partition);
    }
  }

  /** Nobody is awaited for a partition that is led elsewhere. */
  forget({ topic, index }: Named): void {
    for (const [brokerId, awaited] of this.byBroker) this.remove(brokerId, awaited, topic, index);
  }

  /** How long a fetch of this follower may be parked, milliseconds; Infinity when nothing is awaited of it. */
  waitMaxMs(brokerId: number): number {
    const awaited = this.byBroker.get(brokerId);
    if (awaited === undefined) return Infinity;
    return Math.max(FIRST_WAIT_MS, this.clock.monotonic() - awaited.sinceMs);
  }

  private remove(brokerId: number, { partitions }: Awaited, topic: string, index: number): void {
    const indexes = partitions.get(topic);
    if (indexes === undefined) return;
    indexes.delete(index);
    if (indexes.size === 0) partitions.delete(topic);
    if (partitions.size === 0) this.byBroker.delete(brokerId);
  }
}
