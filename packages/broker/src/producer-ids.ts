import { allocateProducerIds } from '@odradek/core/controller/producer-id-allocation.ts';
import type { ProducerIdBlock } from '@odradek/core/controller/producer-id-block.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';

/**
 * Hands out producer ids, each once in the life of the cluster. They come in blocks of 1000 from the coordination
 * tree; what is left of a block when the broker ends is never used.
 */
export class ProducerIdService {
  private readonly coordination: Coordination;
  private readonly brokerId: number;
  private readonly log: LogSink;
  private block: ProducerIdBlock | null = null;
  private nextId = 0;
  /** The request for a block that is under way; all who need an id meanwhile wait for the same. */
  private fetching: Promise<void> | null = null;

  constructor(coordination: Coordination, brokerId: number, log: LogSink) {
    this.coordination = coordination;
    this.brokerId = brokerId;
    this.log = log;
  }

  /** @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS when no block can be had now; clients try again */
  async next(): Promise<number> {
    while (this.block === null || this.nextId > this.block.last) {
      this.fetching ??= this.fetchBlock().finally(() => (this.fetching = null));
      await this.fetching;
    }
    return this.nextId++;
  }

  /** A block for another broker. @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS when none can be had now */
  blockFor(brokerId: number): Promise<ProducerIdBlock> {
    return new Promise((resolve, reject) => {
      allocateProducerIds(this.coordination, brokerId, (error, block) => {
        if (error === null) return resolve(block!);
        this.log.error('no block of producer ids could be allocated', { error });
        reject(new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS));
      });
    });
  }

  private async fetchBlock(): Promise<void> {
    const block = await this.blockFor(this.brokerId);
    this.block = block;
    this.nextId = block.first;
  }
}
