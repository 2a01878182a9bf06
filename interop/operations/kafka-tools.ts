// Apache Kafka's own tools, unchanged: replicas are moved under a throttle, a move is cancelled, leaders are elected.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, createTopic, describeTopic, Producer } from '@odradek/client/index.ts';
import type { RackedCluster } from './racked-cluster.ts';
import { kafkaTool, kafkaTools } from './programs.ts';

const TOPIC = 'moved';
const COUNT = 4_000;
const VALUE_BYTES = 1_000;
const BEFORE = [
  [1, 2],
  [1, 2],
];
const AFTER = [
  [2, 3],
  [3, 1],
];
/** The brokers from before in the order of the move that was cancelled, as in Kafka 3.9. */
const CANCELLED = [
  [2, 3],
  [1, 3],
];
const PATIENCE_MS = 120_000;
const FAST = 1_000_000;
const SLOW = 1_000;

/** The tools on one cluster, with a topic to move about. */
export class KafkaToolsSession {
  private readonly cluster: RackedCluster;
  private readonly admin: Cluster;
  private readonly folder = mkdtempSync(join(tmpdir(), 'odradek-operations-'));

  constructor(cluster: RackedCluster) {
    this.cluster = cluster;
    this.admin = new Cluster({ bootstrapServers: cluster.bootstrap });
  }

  close(): void {
    this.admin.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async prepare(): Promise<string> {
    await createTopic(this.admin, { name: TOPIC, assignment: BEFORE });
    const producer = new Producer({ bootstrapServers: this.cluster.bootstrap });
    const value = Buffer.alloc(VALUE_BYTES, 'y');
    try {
      const sends = Array.from({ length: COUNT }, (_, i) =>
        producer.send({ topic: TOPIC, partition: i % BEFORE.length, value }),
      );
      await Promise.all(sends);
    } finally {
      await producer.close();
    }
    return `${COUNT} messages on ${JSON.stringify(await this.replicas())}`;
  }

  /** The move takes as long as the throttle makes it, and `--verify` takes the throttle away. */
  async moveThrottled(): Promise<string> {
    // The tool takes its own time to end.
    const moved = this.moveMs();
    assert.match(await this.execute(AFTER, FAST), /Successfully started partition reassignments/);
    const elapsedMs = await moved;
    const bytes = COUNT * VALUE_BYTES;
    assert.ok(elapsedMs > (bytes / FAST) * 700, `${bytes} bytes in ${elapsedMs} ms`);
    assert.match(await this.settings(), /leader\.replication\.throttled\.replicas=0:1,0:2,1:1,1:2/);
    const verified = await this.reassign('--verify', AFTER);
    assert.match(verified, /Clearing topic-level throttles/);
    assert.deepEqual(await this.replicas(), AFTER);
    assert.doesNotMatch(await this.settings(), /throttled/);
    return `${bytes} bytes in ${Math.round(elapsedMs)} ms at ${FAST} bytes per second`;
  }

  async cancel(): Promise<string> {
    await this.execute(BEFORE, SLOW);
    assert.match(await this.list(), /moved-1: replicas: 1,2,3\. adding: 2\. removing: 3\./);
    assert.match(await this.reassign('--cancel', BEFORE), /Successfully cancelled/);
    assert.deepEqual(await this.replicas(), CANCELLED);
    assert.doesNotMatch(await this.settings(), /throttled/);
    return JSON.stringify(await this.replicas());
  }

  async elect(): Promise<string> {
    const args = ['--bootstrap-server', this.cluster.bootstrap, '--election-type', 'preferred'];
    await this.cluster.broker(3).shutDown();
    await this.until('another leader', async () => (await this.leader(1)) === 1);
    const down = await this.describe('--under-replicated-partitions');
    assert.match(down, /Topic: moved\s+Partition: 1\s+Leader: 1\s+Replicas: 3,1\s+Isr: 1\b/);
    await this.cluster.broker(3).startAgain();
    await this.until(
      'all in sync',
      async () => !(await this.describe('--under-replicated-partitions')).includes('Topic:'),
    );
    const printed = await kafkaTool(kafkaTools.elect, ...args, '--all-topic-partitions');
    assert.match(printed, /Successfully completed leader election.*moved-1/);
    assert.equal(await this.leader(1), 3);
    return 'broker 3 leads again';
  }

  /** How long the replicas are on their way, once they are. */
  private async moveMs(): Promise<number> {
    await this.until('its begin', async () => (await this.replicas()).some(({ length }) => length > 2));
    const beginMs = performance.now();
    await this.until('its end', async () => isEqual(await this.replicas(), AFTER));
    return performance.now() - beginMs;
  }

  private execute(replicas: readonly (readonly number[])[], throttle: number): Promise<string> {
    return this.reassign('--execute', replicas, '--throttle', String(throttle));
  }

  private list(): Promise<string> {
    return kafkaTool(kafkaTools.reassign, '--bootstrap-server', this.cluster.bootstrap, '--list');
  }

  private reassign(
    action: string,
    replicas: readonly (readonly number[])[],
    ...more: string[]
  ): Promise<string> {
    const file = join(this.folder, 'reassignment.json');
    const partitions = replicas.map((ids, partition) => ({ topic: TOPIC, partition, replicas: ids }));
    writeFileSync(file, JSON.stringify({ version: 1, partitions }));
    const args = ['--bootstrap-server', this.cluster.bootstrap, '--reassignment-json-file', file, action];
    return kafkaTool(kafkaTools.reassign, ...args, ...more);
  }

  private async settings(): Promise<string> {
    const { bootstrap } = this.cluster;
    const of = (...entity: string[]) =>
      kafkaTool(kafkaTools.configs, '--bootstrap-server', bootstrap, '--describe', ...entity);
    return (await of('--topic', TOPIC)) + (await of('--entity-type', 'brokers', '--entity-name', '1'));
  }

  private describe(...options: string[]): Promise<string> {
    const args = ['--bootstrap-server', this.cluster.bootstrap, '--describe', ...options];
    return kafkaTool(kafkaTools.topics, ...args).then((printed) => printed.trim());
  }

  private async replicas(): Promise<number[][]> {
    const { partitions } = await describeTopic(this.admin, TOPIC);
    return partitions.map((partition) => [...partition.replicas]);
  }

  private async leader(partition: number): Promise<number> {
    return (await describeTopic(this.admin, TOPIC)).partitions[partition]!.leaderId;
  }

  private async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!(await isSo())) {
      if (performance.now() > deadlineMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
      await sleep(100);
    }
  }
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
