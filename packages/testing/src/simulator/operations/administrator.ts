import { Cluster, createTopic, type NewTopic } from '@odradek/client';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { clientProcess, simulatedEnvironment } from '../clients/client-process.ts';
import type { World } from '../cluster/world.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';

/** Between two tries, milliseconds. */
const RETRY_MS = 200;

/** Tells a cluster what to do, while it is as it is: whatever is refused, or not answered, may be done or not. */
export class Administrator {
  readonly cluster: Cluster;
  private readonly world: World;
  private readonly process: SimulatedProcess;
  /** By topic, the highest offset below which records may have been deleted, as somebody has asked. */
  private readonly deletedBelow = new Map<string, number>();
  private unfinished = 0;

  constructor(world: World, bootstrapServers: string) {
    this.world = world;
    this.process = clientProcess(world, 'admin', 0);
    this.cluster = new Cluster({
      bootstrapServers,
      environment: simulatedEnvironment(world, this.process),
      requestTimeoutMs: 5_000,
      connectionSetupTimeoutMs: 2_000,
      apiTimeoutMs: 8_000,
    });
  }

  /** Whether all that was begun has been answered, or given up. */
  get isDone(): boolean {
    return this.unfinished === 0;
  }

  /** Does something once. @param act what it resolves with is for the trace */
  attempt(what: string, act: (cluster: Cluster) => Promise<string>): void {
    const { trace } = this.world;
    trace.note(`admin: ${what}`);
    this.unfinished += 1;
    void act(this.cluster)
      .catch((error: unknown) => String(error))
      .then((outcome) => {
        this.unfinished -= 1;
        trace.note(`admin: ${what}: ${outcome}`);
      });
  }

  noteDeletion(topic: string, offset: number): void {
    this.deletedBelow.set(topic, Math.max(offset, this.mayBeDeletedBelow(topic)));
  }

  /** Records from this offset on nobody has asked to delete. */
  mayBeDeletedBelow(topic: string): number {
    return this.deletedBelow.get(topic) ?? 0;
  }

  /** Tries until it is there: a controller that does not know all brokers yet refuses. */
  async createTopic(topic: NewTopic): Promise<void> {
    for (;;) {
      try {
        return await createTopic(this.cluster, topic);
      } catch (error) {
        const exists = error instanceof KafkaError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS;
        // One that is being deleted exists, too, but not for long.
        if (exists && this.world.ensemble.stat(treePaths.deleteTopic(topic.name)) === null) return;
        await new Promise<void>((resolve) => {
          this.process.timers.after(RETRY_MS, resolve);
        });
      }
    }
  }
}
