import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Cluster } from '../cluster/cluster.ts';

/**
 * The topics that a member reads: those that are named, and those whose names match an expression as the cluster has
 * them. It is looked again every `metadataMaxAgeMs`, and before the member joins, if that is due. Topics that the
 * brokers keep for themselves match nothing, and neither do those that this client may not see.
 */
export class TopicSelection {
  private readonly cluster: Cluster;
  private readonly named: readonly string[];
  private readonly patterns: readonly RegExp[];
  /** Monotonic time of the last look; null before the first. */
  private lookedAtMs: number | null = null;
  private looking: Promise<void> | null = null;
  private readonly changed: () => void;
  /** In order. Another array whenever there are others. */
  names: readonly string[];

  /** @param changed told when there are other names */
  constructor(cluster: Cluster, topics: readonly (string | RegExp)[], changed: () => void) {
    this.cluster = cluster;
    this.changed = changed;
    this.named = [...new Set(topics.filter((topic) => typeof topic === 'string'))];
    this.patterns = topics.filter((topic) => typeof topic !== 'string');
    this.names = this.named;
  }

  /** Knows the names that match, as of the last `metadataMaxAgeMs`. @throws ConnectionError when no broker answers */
  async learn(): Promise<void> {
    if (this.isDue) await this.look();
  }

  /** Looks again in the background, if that is due. */
  renew(): void {
    if (this.isDue) this.look().catch(() => undefined);
  }

  private get isDue(): boolean {
    if (this.patterns.length === 0) return false;
    const { environment, settings } = this.cluster;
    return (
      this.lookedAtMs === null || environment.clock.monotonic() - this.lookedAtMs >= settings.metadataMaxAgeMs
    );
  }

  private look(): Promise<void> {
    this.looking ??= this.lookNow().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async lookNow(): Promise<void> {
    const { topics } = await this.cluster.allTopics();
    this.lookedAtMs = this.cluster.environment.clock.monotonic();
    const matching = topics.flatMap(({ name, isInternal, errorCode }) =>
      name !== null && !isInternal && errorCode === ErrorCode.NONE && this.matches(name) ? [name] : [],
    );
    const names = [...new Set([...this.named, ...matching.toSorted()])];
    if (names.join() === this.names.join()) return;
    this.names = names;
    this.changed();
  }

  private matches(name: string): boolean {
    // Unlike `test`, it keeps no place in expressions that are global.
    return this.patterns.some((pattern) => name.search(pattern) >= 0);
  }
}
