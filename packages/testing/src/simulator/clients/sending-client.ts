import { Producer } from '@odradek/client';
import type { World } from '../cluster/world.ts';
import type { SendEvent } from '../../history/history.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import { clientProcess, simulatedEnvironment } from './client-process.ts';
import { type Load, METADATA_MAX_AGE_MS } from './load.ts';

export interface SendingOptions {
  readonly name: string;
  readonly number: number;
  readonly acks: 'all' | 'leader';
  readonly idempotent: boolean;
  /** Between two bursts, milliseconds, at most; 150 unless given. */
  readonly pauseMaxMs?: number;
}

const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 150;

/** A program that sends records, one after the other in program order, and notes what becomes of each. */
export class SendingClient {
  private readonly world: World;
  private readonly load: Load;
  private readonly options: SendingOptions;
  private readonly process: SimulatedProcess;
  private readonly producer: Producer;
  private sequence = 0;
  private unsettled = 0;
  private isStopping = false;

  constructor(world: World, load: Load, options: SendingOptions) {
    this.world = world;
    this.load = load;
    this.options = options;
    this.process = clientProcess(world, options.name, options.number);
    this.producer = new Producer({
      bootstrapServers: load.bootstrapServers,
      environment: simulatedEnvironment(world, this.process),
      clientId: options.name,
      acks: options.acks === 'all' ? -1 : 1,
      idempotent: options.idempotent,
      lingerMs: 2,
      batchSizeBytes: 300,
      requestTimeoutMs: 3_000,
      metadataMaxAgeMs: METADATA_MAX_AGE_MS,
      connectionSetupTimeoutMs: 2_000,
      deliveryTimeoutMs: 12_000,
      retryBackoffMs: 50,
      retryBackoffMaxMs: 500,
    });
    this.later();
  }

  /** Whether all that was sent is settled and no more will be. */
  get isDone(): boolean {
    return this.isStopping && this.unsettled === 0;
  }

  stop(): void {
    this.isStopping = true;
  }

  private later(): void {
    const { pauseMaxMs = PAUSE_MAX_MS } = this.options;
    const pauseMs = PAUSE_MIN_MS + this.process.random.fraction() * (pauseMaxMs - PAUSE_MIN_MS);
    this.process.timers.after(pauseMs, () => {
      if (this.isStopping) return;
      for (let burst = this.process.random.below(4); burst >= 0; burst--) this.send();
      this.later();
    });
  }

  private send(): void {
    const { process, options, load, world } = this;
    const partition = process.random.below(load.partitions);
    const sequence = this.sequence++;
    const value = `${options.name}:${sequence}`;
    const startMs = world.time.nowMs;
    this.unsettled += 1;
    void this.producer.enqueue(
      { topic: load.topic, partition, value: Buffer.from(value) },
      (error, metadata) => {
        this.unsettled -= 1;
        const event: SendEvent = {
          type: 'send',
          process: options.name,
          sequence,
          partition: `${load.topic}-${partition}`,
          value,
          // A refusal of one attempt says nothing of those before it.
          outcome: error === null ? 'ok' : 'unknown',
          offset: metadata === null || metadata.offset < 0 ? null : metadata.offset,
          acks: options.acks,
          idempotent: options.idempotent,
          startMs,
          endMs: world.time.nowMs,
        };
        load.history.push(event);
        world.trace.mix(`${value} ${event.offset} ${event.outcome}`);
        if (error !== null) world.trace.note(`${options.name} does not know of ${value}: ${error.message}`);
      },
    );
  }
}
