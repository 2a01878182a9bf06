import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import type { Cluster } from '../cluster/cluster.ts';

/** Unused without a transactional id, but the field has no null. */
const TRANSACTION_TIMEOUT_MS = 60_000;

/** A producer id as brokers gave it, and how often it was replaced: sequences count anew for each. */
export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly generation: number;
}

/**
 * The id by which brokers recognise repeated batches of this producer (KIP-98). When a batch ends with its fate
 * unknown, or a broker has lost its state, a fresh id starts with sequence 0 everywhere; what is in flight
 * finishes under the old one.
 */
export class ProducerIdentity {
  private readonly cluster: Cluster;
  private identity: Identity | null = null;
  private generation = 0;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** Null until `acquire` has succeeded. */
  get current(): Identity | null {
    return this.identity;
  }

  /** The id must not be used for further batches. Does nothing when `producerId` has been replaced already. */
  invalidate(producerId: number): void {
    if (this.identity?.producerId === producerId) this.identity = null;
  }

  /** One attempt to get an id. @throws KafkaError, ConnectionError, RequestTimeoutError */
  async acquire(): Promise<void> {
    const answer = await this.cluster.requestToAny(initProducerIdApi, {
      transactionalId: null,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
    });
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(answer.errorCode, `no producer id: ${errorName(answer.errorCode)}`);
    }
    this.identity = {
      producerId: answer.producerId,
      producerEpoch: answer.producerEpoch,
      generation: ++this.generation,
    };
  }
}
