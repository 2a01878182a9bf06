import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawConnection } from '../../interop/wire/raw-connection.ts';
import { batchOf } from '../load/frames.ts';
import type { BenchCluster } from './bench-cluster.ts';

const RETRY_MS = 2;
const ANSWER_TIMEOUT_MS = 30_000;

/** A pause between two acknowledgements; times of `performance.now()`. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * A producer of acks=all to partition 0 of a topic that sends one small record after the other, looks for the leader
 * as soon as it has lost it, and remembers its longest wait.
 */
export class Probe {
  longest: Gap = { fromMs: 0, toMs: 0 };
  private readonly cluster: BenchCluster;
  private readonly topic: string;
  private readonly connections = new Map<number, RawConnection>();
  private readonly frameRecords = batchOf(1, 100).bytes;
  private lastAcknowledgedMs = 0;
  private acknowledged = 0;
  private isOver = false;
  private running: Promise<void> = Promise.resolve();

  constructor(cluster: BenchCluster, topic: string) {
    this.cluster = cluster;
    this.topic = topic;
  }

  /** Resolves when it has been acknowledged so often that it is warm. */
  async start(): Promise<void> {
    this.running = this.run();
    await this.untilAcknowledged(200);
    this.longest = { fromMs: this.lastAcknowledgedMs, toMs: this.lastAcknowledgedMs };
  }

  /** Resolves when something that was sent after this call has been acknowledged `times` times. */
  async untilAcknowledged(times: number): Promise<void> {
    const goal = this.acknowledged + times;
    while (this.acknowledged < goal) await sleep(RETRY_MS);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    for (const connection of this.connections.values()) connection.close();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const leader = await this.leader();
      if (leader >= 0) while (await this.isAcknowledgedBy(leader)) continue;
      await sleep(RETRY_MS);
    }
  }

  /** The leader as any broker tells that answers; -1 when there is none. */
  private async leader(): Promise<number> {
    for (const brokerId of this.cluster.brokers.keys()) {
      try {
        const connection = await this.connection(brokerId);
        const { topics } = await connection.ask(metadataApi, 8, { topics: [{ name: this.topic }] });
        const leaderId =
          topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === 0)?.leaderId ?? -1;
        if (leaderId >= 0 && (await this.isThere(leaderId))) return leaderId;
      } catch {
        this.forget(brokerId);
      }
    }
    return -1;
  }

  private async isThere(brokerId: number): Promise<boolean> {
    try {
      await this.connection(brokerId);
      return true;
    } catch {
      this.forget(brokerId);
      return false;
    }
  }

  private async isAcknowledgedBy(leader: number): Promise<boolean> {
    if (this.isOver) return false;
    try {
      const connection = await this.connection(leader);
      const { responses } = await connection.ask(produceApi, 8, {
        acks: -1,
        timeoutMs: ANSWER_TIMEOUT_MS,
        topicData: [{ name: this.topic, partitionData: [{ index: 0, records: this.frameRecords }] }],
      });
      if (responses[0]?.partitionResponses[0]?.errorCode !== 0) return false;
    } catch {
      this.forget(leader);
      return false;
    }
    this.noteAcknowledgement();
    return true;
  }

  private noteAcknowledgement(): void {
    const now = performance.now();
    const { fromMs, toMs } = this.longest;
    if (this.acknowledged > 0 && now - this.lastAcknowledgedMs > toMs - fromMs) {
      this.longest = { fromMs: this.lastAcknowledgedMs, toMs: now };
    }
    this.lastAcknowledgedMs = now;
    this.acknowledged++;
  }

  private async connection(brokerId: number): Promise<RawConnection> {
    const known = this.connections.get(brokerId);
    if (known !== undefined) return known;
    const { host, port } = this.cluster.broker(brokerId);
    const connection = await RawConnection.open(host, port);
    this.connections.set(brokerId, connection);
    return connection;
  }

  private forget(brokerId: number): void {
    this.connections.get(brokerId)?.close();
    this.connections.delete(brokerId);
  }
}
