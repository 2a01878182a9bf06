import { type FetchedRecords, GroupConsumer, type TopicPartition } from '@odradek/client';
import { type GroupCircumstances, USUAL_GROUP } from '../circumstances.ts';
import type { GroupChecker } from '../checkers/group-checker.ts';
import type { World } from '../cluster/world.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import { clientProcess, simulatedEnvironment } from './client-process.ts';
import { tapped } from './frame-tap.ts';
import { type Load, METADATA_MAX_AGE_MS } from './load.ts';

const GROUP = 'workers';

export interface GroupMemberOptions {
  readonly name: string;
  /** Of its stream of chance. */
  readonly number: number;
  /** Under which a static member keeps its partitions over a restart. */
  readonly instanceId?: string;
  readonly group?: GroupCircumstances;
}

/** A program that reads as a member of a group, and commits what it has read: one life of it. */
export class GroupMember {
  private readonly world: World;
  private readonly load: Load;
  private readonly checker: GroupChecker;
  private readonly name: string;
  private readonly process: SimulatedProcess;
  private readonly consumer: GroupConsumer;
  /** Assigned and not read from yet: what was committed when it was assigned. */
  private readonly beginning = new Map<number, number>();
  private readonly positions = new Map<number, number>();
  private isStopping = false;
  private hasStopped = false;

  constructor(world: World, load: Load, checker: GroupChecker, options: GroupMemberOptions) {
    const { name, number, instanceId, group = USUAL_GROUP } = options;
    this.world = world;
    this.load = load;
    this.checker = checker;
    this.name = name;
    this.process = clientProcess(world, name, number);
    const environment = simulatedEnvironment(world, this.process);
    const sockets = tapped(environment.sockets, (exchange) => checker.seen(exchange));
    this.consumer = new GroupConsumer({
      bootstrapServers: load.bootstrapServers,
      environment: { ...environment, sockets },
      clientId: name,
      groupId: GROUP,
      topics: [load.topic],
      assignors: group.assignors,
      maxPollRecords: group.maxPollRecords,
      ...(instanceId === undefined ? {} : { instanceId }),
      offsetReset: 'earliest',
      autoCommitIntervalMs: 0,
      sessionTimeoutMs: 6_000,
      heartbeatIntervalMs: 500,
      maxPollIntervalMs: 8_000,
      fetchMaxWaitMs: 300,
      partitionFetchMaxBytes: 2_000,
      requestTimeoutMs: 3_000,
      metadataMaxAgeMs: METADATA_MAX_AGE_MS,
      connectionSetupTimeoutMs: 2_000,
      apiTimeoutMs: 8_000,
      onAssigned: (partitions) => this.assigned(partitions),
      onRevoked: (partitions) => this.gone(partitions),
      onLost: (partitions) => this.gone(partitions),
    });
    void this.run();
  }

  /** Where it stands in what it owns now; null for what it does not. */
  position(partition: number): number | null {
    return this.consumer.position({ topic: this.load.topic, partition });
  }

  get isDone(): boolean {
    return this.hasStopped;
  }

  stop(): void {
    this.isStopping = true;
    this.consumer.wake();
  }

  /** `kill -9`: the group hears of it when the session is over. */
  kill(): void {
    this.world.trace.note(`${this.name} is killed`);
    this.process.end();
    this.hasStopped = true;
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      try {
        const batches = await this.consumer.poll(500);
        this.checkBeginnings(batches);
        this.take(batches);
        if (this.process.random.chance(0.3)) await this.commit();
      } catch (error) {
        this.world.trace.note(`${this.name} met ${String(error)}`);
        await this.pause();
      }
    }
    await this.consumer.close(5_000).catch((error: unknown) => {
      this.world.trace.note(`${this.name} could not take its leave: ${String(error)}`);
    });
    this.hasStopped = true;
  }

  private async commit(): Promise<void> {
    const offsets = [...this.positions].map(([partition, offset]) => ({
      topic: this.load.topic,
      partition,
      offset,
    }));
    if (offsets.length === 0) return;
    await this.consumer.commit(offsets);
    for (const { partition, offset } of offsets) this.checker.acknowledged(partition, offset);
    this.world.trace.mix(`${this.name} commits ${JSON.stringify(offsets)}`);
  }

  private assigned(partitions: readonly TopicPartition[]): void {
    this.world.trace.note(`${this.name} gets ${partitions.map(({ partition }) => partition).join()}`);
    for (const { partition } of partitions) {
      this.beginning.set(partition, this.checker.committedOffset(partition));
    }
    this.load.history.push({
      type: 'position',
      process: this.name,
      partitions: partitions.map(({ topic, partition }) => `${topic}-${partition}`),
      endMs: this.world.time.nowMs,
    });
  }

  private gone(partitions: readonly TopicPartition[]): void {
    this.world.trace.note(`${this.name} gives ${partitions.map(({ partition }) => partition).join()}`);
    for (const { partition } of partitions) {
      this.positions.delete(partition);
      this.beginning.delete(partition);
    }
  }

  private checkBeginnings(batches: readonly FetchedRecords[]): void {
    for (const [partition, committedBefore] of [...this.beginning]) {
      const first = batches.find((batch) => batch.partition === partition)?.records[0]?.offset;
      const begin = first ?? this.position(partition);
      if (begin === null) continue;
      this.beginning.delete(partition);
      this.checker.begins(this.name, partition, begin, committedBefore);
    }
  }

  private take(batches: readonly FetchedRecords[]): void {
    for (const { topic, partition, records, nextOffset } of batches) {
      this.positions.set(partition, nextOffset);
      this.load.history.push({
        type: 'poll',
        process: this.name,
        endMs: this.world.time.nowMs,
        records: records.map(({ offset, value }) => ({
          partition: `${topic}-${partition}`,
          offset,
          value: value?.toString() ?? '',
        })),
      });
      this.world.trace.mix(`${this.name} ${partition} ${nextOffset}`);
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.process.timers.after(200, resolve);
    });
  }
}
