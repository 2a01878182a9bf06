import type { ClientEnvironment } from '../ports/environment.ts';
import type { Address } from '../ports/sockets.ts';
import type { ClusterSettings } from './cluster-options.ts';
import type { MetadataCache } from './metadata-cache.ts';

/** The start may differ from client to client, so that not all of them ask the same broker. */
const FIRST_CHOICES = 1_000;

/**
 * Whom to ask about the cluster: its known brokers in turn, then the addresses that the user gave (KIP-899). When
 * nobody has answered for the time that the settings allow those addresses come first. Known brokers are kept meanwhile:
 * the addresses may be the ones that are gone.
 */
export class MetadataSources {
  private readonly environment: ClientEnvironment;
  private readonly settings: ClusterSettings;
  private readonly metadata: MetadataCache;
  private nextKnown: number;
  /** Monotonic time of the first question since an answer; null when nothing is left unanswered. */
  private unansweredSinceMs: number | null = null;

  constructor(settings: ClusterSettings, metadata: MetadataCache) {
    this.environment = settings.environment;
    this.settings = settings;
    this.metadata = metadata;
    this.nextKnown = Math.floor(this.environment.random.fraction() * FIRST_CHOICES);
  }

  /** For one question: whom to ask next, until somebody has answered. */
  *inTurn(): Generator<Address, void, undefined> {
    this.unansweredSinceMs ??= this.nowMs;
    const known = this.knownInTurn();
    const seeds = this.seedsBeside(known);
    while (known.length > 0 || seeds.length > 0) {
      const isSeedsTurn = known.length === 0 || (seeds.length > 0 && this.isOverdue);
      yield (isSeedsTurn ? seeds : known).shift()!;
    }
  }

  answered(): void {
    this.unansweredSinceMs = null;
  }

  private get nowMs(): number {
    return this.environment.clock.monotonic();
  }

  private get isOverdue(): boolean {
    const sinceMs = this.unansweredSinceMs;
    return sinceMs !== null && this.nowMs - sinceMs > this.settings.rebootstrapTriggerMs;
  }

  private knownInTurn(): Address[] {
    const known = this.metadata.nodes;
    const first = known.length === 0 ? 0 : this.nextKnown++ % known.length;
    return [...known.slice(first), ...known.slice(0, first)];
  }

  private seedsBeside(known: readonly Address[]): Address[] {
    const { bootstrap, metadataRecoveryStrategy } = this.settings;
    if (metadataRecoveryStrategy === 'none' && known.length > 0) return [];
    return bootstrap.filter(
      (seed) => !known.some(({ host, port }) => host === seed.host && port === seed.port),
    );
  }
}
