import { Consumer, LogTruncatedError } from '@odradek/client';
import type { World } from '../cluster/world.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import { clientProcess, simulatedEnvironment } from './client-process.ts';
import { type Load, METADATA_MAX_AGE_MS } from './load.ts';

export interface ReadingOptions {
  readonly name: string;
  /** Of its stream of chance. */
  readonly number: number;
  /** Where it begins: at 0 unless given, or at what is left of the log. */
  readonly from?: 0 | 'earliest';
  /** Where it runs, as brokers name it. */
  readonly rack?: string;
}

/** A program that reads all partitions from their starts, without a group. */
export class ReadingClient {
  private readonly world: World;
  private readonly load: Load;
  private readonly name: string;
  private readonly process: SimulatedProcess;
  private readonly consumer: Consumer;
  private readonly from: 0 | 'earliest';
  private assignedCount = 0;
  private isStopped = false;

  constructor(world: World, load: Load, { name, number, from = 0, rack = '' }: ReadingOptions) {
    this.world = world;
    this.load = load;
    this.name = name;
    this.from = from;
    this.process = clientProcess(world, name, number);
    this.consumer = new Consumer({
      bootstrapServers: load.bootstrapServers,
      environment: simulatedEnvironment(world, this.process),
      clientId: name,
      offsetReset: 'none',
      clientRack: rack,
      fetchMaxWaitMs: 300,
      partitionFetchMaxBytes: 2_000,
      requestTimeoutMs: 3_000,
      metadataMaxAgeMs: METADATA_MAX_AGE_MS,
      connectionSetupTimeoutMs: 2_000,
      apiTimeoutMs: 10_000,
    });
    void this.run();
  }

  /** Where it stands: the offset that comes next. */
  position(partition: number): number {
    return this.consumer.position({ topic: this.load.topic, partition }) ?? 0;
  }

  stop(): void {
    this.isStopped = true;
    // Whoever stops has read enough: nothing waits for the brokers to hear of it.
    void this.consumer.close();
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        // The topic has grown, or this is the beginning.
        if (this.assignedCount < this.load.partitions) await this.assign();
        this.take(await this.consumer.poll(1_000));
      } catch (error) {
        if (this.isStopped) return;
        this.world.trace.note(`${this.name} could not read: ${String(error)}`);
        if (error instanceof LogTruncatedError) this.goBack(error);
        else await this.pause();
      }
    }
  }

  /** Records were lost: to the checkers that is allowed or not. */
  private goBack({ topic, partition, divergesAt }: LogTruncatedError): void {
    this.consumer.seek({ topic, partition }, divergesAt);
    this.load.history.push({
      type: 'position',
      process: this.name,
      partitions: [`${topic}-${partition}`],
      endMs: this.world.time.nowMs,
    });
  }

  private async assign(): Promise<void> {
    const { topic, partitions } = this.load;
    const added = Array.from({ length: partitions - this.assignedCount }, (_, i) => this.assignedCount + i);
    await this.consumer.assign(added.map((partition) => ({ topic, partition, from: this.from })));
    this.assignedCount = partitions;
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.process.timers.after(100, resolve);
    });
  }

  private take(batches: Awaited<ReturnType<Consumer['poll']>>): void {
    const records = batches.flatMap(({ topic, partition, records }) =>
      records.map(({ offset, value }) => ({
        partition: `${topic}-${partition}`,
        offset,
        value: value?.toString() ?? '',
      })),
    );
    if (records.length === 0) return;
    this.load.history.push({ type: 'poll', process: this.name, records, endMs: this.world.time.nowMs });
    for (const { partition, offset, value } of records) {
      this.world.trace.mix(`${this.name} ${partition} ${offset} ${value}`);
    }
  }
}
