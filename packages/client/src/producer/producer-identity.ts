import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { backoffMs } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { asError } from '../errors.ts';
import type { WakeUp } from '../network/wake-up.ts';

/** Unused without a transactional id, but the field has no null. */
const TRANSACTION_TIMEOUT_MS = 60_000;

/** A producer id as brokers gave it, and how often it was replaced: sequences count anew for each. */
export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly generation: number;
}

/** Under which id batches go out. */
export interface IdentitySource {
  /** Null while there is none. */
  readonly current: Identity | null;
  /** Whether batches may go out; if not, whoever asked is woken when they may. */
  isReady(): boolean;
  /** A batch of this id ended with its fate unknown, or the brokers have lost what they knew of the id. */
  invalidate(producerId: number): void;
}

/**
 * The id by which brokers recognise repeated batches of this producer (KIP-98). When a batch ends with its fate
 * unknown, or a broker has lost its state, a fresh id starts with sequence 0 everywhere; what is in flight
 * finishes under the old one.
 */
export class ProducerIdentity implements IdentitySource {
  private readonly cluster: Cluster;
  private readonly wakeUp: WakeUp;
  private readonly failed: (error: Error) => void;
  private identity: Identity | null = null;
  private generation = 0;
  private failures = 0;
  private notBeforeMs = 0;
  private isAcquiring = false;

  /**
   * @param wakeUp asked for when an id has come, or another attempt is due
   * @param failed told of every attempt that failed
   */
  constructor(cluster: Cluster, wakeUp: WakeUp, failed: (error: Error) => void) {
    this.cluster = cluster;
    this.wakeUp = wakeUp;
    this.failed = failed;
  }

  /** Whether there is an id; else one is asked for. */
  isReady(): boolean {
    if (this.identity !== null) return true;
    if (this.isAcquiring) return false;
    if (this.notBeforeMs > this.cluster.environment.clock.monotonic()) this.wakeUp.at(this.notBeforeMs);
    else void this.acquire();
    return false;
  }

  get current(): Identity | null {
    return this.identity;
  }

  /** The id must not be used for further batches. Does nothing when `producerId` has been replaced already. */
  invalidate(producerId: number): void {
    if (this.identity?.producerId === producerId) this.identity = null;
  }

  private async acquire(): Promise<void> {
    this.isAcquiring = true;
    try {
      this.identity = await this.ask();
      this.failures = 0;
    } catch (thrown) {
      const { settings, environment } = this.cluster;
      const pauseMs = backoffMs(settings.backoff, ++this.failures, environment.random);
      this.notBeforeMs = environment.clock.monotonic() + pauseMs;
      this.failed(asError(thrown));
    } finally {
      this.isAcquiring = false;
      this.wakeUp.soon();
    }
  }

  private async ask(): Promise<Identity> {
    const answer = await this.cluster.requestToAny(initProducerIdApi, {
      transactionalId: null,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
    });
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(answer.errorCode, `no producer id: ${errorName(answer.errorCode)}`);
    }
    const { producerId, producerEpoch } = answer;
    return { producerId, producerEpoch, generation: ++this.generation };
  }
}
