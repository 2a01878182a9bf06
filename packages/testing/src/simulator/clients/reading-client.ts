import { Consumer } from '@odradek/client';
import type { World } from '../cluster/world.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import { clientProcess, simulatedEnvironment } from './client-process.ts';
import type { Load } from './load.ts';

/** A program that reads all partitions from their starts, without a group. */
export class ReadingClient {
  private readonly world: World;
  private readonly load: Load;
  private readonly name: string;
  private readonly process: SimulatedProcess;
  private readonly consumer: Consumer;
  private readonly positions = new Map<number, number>();
  private isStopped = false;

  constructor(world: World, load: Load, name: string, number: number) {
    this.world = world;
    this.load = load;
    this.name = name;
    this.process = clientProcess(world, name, number);
    this.consumer = new Consumer({
      bootstrapServers: load.bootstrapServers,
      environment: simulatedEnvironment(world, this.process),
      clientId: name,
      offsetReset: 'none',
      fetchMaxWaitMs: 300,
      partitionFetchMaxBytes: 2_000,
      requestTimeoutMs: 3_000,
      connectionSetupTimeoutMs: 2_000,
      apiTimeoutMs: 10_000,
    });
    void this.run();
  }

  /** Where it stands: the offset that comes next. */
  position(partition: number): number {
    return this.positions.get(partition) ?? 0;
  }

  stop(): void {
    this.isStopped = true;
    this.consumer.close();
  }

  private async run(): Promise<void> {
    while (!this.isStopped && !(await this.assigned()));
    while (!this.isStopped) {
      try {
        this.take(await this.consumer.poll(1_000));
      } catch (error) {
        if (this.isStopped) return;
        this.world.trace.note(`${this.name} could not read: ${String(error)}`);
        await this.pause();
      }
    }
  }

  private async assigned(): Promise<boolean> {
    const { topic, partitions } = this.load;
    try {
      await this.consumer.assign(
        Array.from({ length: partitions }, (_, partition) => ({ topic, partition, from: 0 })),
      );
      return true;
    } catch (error) {
      this.world.trace.note(`${this.name} could not begin: ${String(error)}`);
      await this.pause();
      return false;
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.process.timers.after(100, resolve);
    });
  }

  private take(batches: Awaited<ReturnType<Consumer['poll']>>): void {
    const records = batches.flatMap(({ topic, partition, records, nextOffset }) => {
      this.positions.set(partition, nextOffset);
      return records.map(({ offset, value }) => ({
        partition: `${topic}-${partition}`,
        offset,
        value: value?.toString() ?? '',
      }));
    });
    if (records.length === 0) return;
    this.load.history.push({ type: 'poll', process: this.name, records, endMs: this.world.time.nowMs });
    for (const { partition, offset, value } of records) {
      this.world.trace.mix(`${this.name} ${partition} ${offset} ${value}`);
    }
  }
}
