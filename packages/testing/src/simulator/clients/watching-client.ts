import { Cluster, listOffsets } from '@odradek/client';
import type { Problems } from '../checkers/problem.ts';
import type { World } from '../cluster/world.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import { clientProcess, simulatedEnvironment } from './client-process.ts';
import { type Load, METADATA_MAX_AGE_MS } from './load.ts';

const PAUSE_MS = 400;

/**
 * A program that asks again and again where partitions end. Who was told an end may rely on it: what is committed
 * stays, and so no later answer may be lower, whoever leads by then (KIP-207).
 */
export class WatchingClient {
  private readonly world: World;
  private readonly load: Load;
  private readonly name: string;
  private readonly process: SimulatedProcess;
  private readonly cluster: Cluster;
  private readonly problems: Problems;
  private readonly isExcused: (partition: string) => boolean;
  private readonly ends = new Map<number, number>();
  private isStopped = false;

  /** @param isExcused whether a partition may have lost committed records */
  constructor(
    world: World,
    load: Load,
    { name, number }: { name: string; number: number },
    problems: Problems,
    isExcused: (partition: string) => boolean,
  ) {
    this.world = world;
    this.load = load;
    this.name = name;
    this.problems = problems;
    this.isExcused = isExcused;
    this.process = clientProcess(world, name, number);
    this.cluster = new Cluster({
      bootstrapServers: load.bootstrapServers,
      environment: simulatedEnvironment(world, this.process),
      clientId: name,
      requestTimeoutMs: 3_000,
      connectionSetupTimeoutMs: 2_000,
      apiTimeoutMs: 5_000,
      metadataMaxAgeMs: METADATA_MAX_AGE_MS,
    });
    void this.run();
  }

  stop(): void {
    this.isStopped = true;
  }

  private async run(): Promise<void> {
    const { topic, partitions } = this.load;
    for (let partition = 0; !this.isStopped; partition = (partition + 1) % partitions) {
      try {
        const found = await listOffsets(this.cluster, [{ topic, partition, at: 'latest' }]);
        for (const { offset } of found.values()) this.told(partition, offset);
      } catch (error) {
        this.world.trace.note(`${this.name} is not told the end of ${topic}-${partition}: ${String(error)}`);
      }
      await new Promise<void>((resolve) => {
        this.process.timers.after(PAUSE_MS, resolve);
      });
    }
    this.cluster.close();
  }

  private told(partition: number, offset: number): void {
    const name = `${this.load.topic}-${partition}`;
    const before = this.ends.get(partition) ?? 0;
    this.ends.set(partition, offset);
    this.world.trace.mix(`${this.name} ${name} ${offset}`);
    if (offset >= before || this.isExcused(name)) return;
    this.problems.add(
      'end-offset-back',
      `${this.name} is told that ${name} ends at ${offset}, and was told ${before} before`,
    );
  }
}
