import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { HistoryEvent } from '@odradek/testing/index.ts';
import { commonJvm, quickStartJvm } from '../../scripts/java-process.ts';
import { kafkaClassPath } from '../../scripts/kafka-jars.ts';
import { HistoryReader, type TestTopic } from './history-reader.ts';
import { reportOf, type Load, type LoadReport } from './load.ts';
import { until } from './until.ts';

const PER_SECOND = 100;
const START_DEADLINE_MS = 60_000;
const COMMIT_DEADLINE_MS = 60_000;

/** What the two tools print, one object a line. */
type ToolEvent =
  | { name: 'producer_send_success'; value: string; topic: string; partition: number; offset: number }
  | { name: 'producer_send_error'; value: string; topic: string }
  | { name: 'record_data'; value: string; topic: string; partition: number; offset: number }
  | { name: 'partitions_assigned'; partitions: { topic: string; partition: number }[] }
  | {
      name: 'offsets_committed';
      success: boolean;
      offsets: { topic: string; partition: number; offset: number }[];
    }
  | { name: 'startup_complete' | 'shutdown_complete' | 'tool_data' | 'records_consumed' };

/** Apache Kafka's own tools for this: its idempotent producer with acks=all, and a group of one consumer. */
export class VerifiableClients implements Load {
  private readonly topic: TestTopic;
  private readonly history: HistoryEvent[] = [];
  /** Where the group goes on, by partition, and what it should come to: the ends of what was acknowledged. */
  private readonly committed = new Map<string, number>();
  private readonly ends = new Map<string, number>();
  private readonly producer: ChildProcess;
  private readonly consumer: ChildProcess;

  private constructor(topic: TestTopic) {
    this.topic = topic;
    const where = ['--bootstrap-server', topic.bootstrapServers, '--topic', topic.name];
    this.producer = this.start('VerifiableProducer', [
      ...where,
      ...['--throughput', String(PER_SECOND), '--acks', '-1'],
    ]);
    this.consumer = this.start('VerifiableConsumer', [
      ...where,
      ...['--group-id', topic.name, '--reset-policy', 'earliest', '--verbose', '--session-timeout', '6000'],
    ]);
  }

  /** Resolves when the consumer has got records. */
  static async begin(topic: TestTopic): Promise<VerifiableClients> {
    const clients = new VerifiableClients(topic);
    await until('the verifiable consumer reads what the producer writes', START_DEADLINE_MS, () =>
      clients.history.some(({ type }) => type === 'poll'),
    );
    return clients;
  }

  async judge(): Promise<LoadReport> {
    await ended(this.producer);
    const read = await new HistoryReader(this.topic, 'final reader', this.history).readAll();
    await until('the group has committed all that was acknowledged', COMMIT_DEADLINE_MS, () =>
      [...this.ends].every(([partition, end]) => (this.committed.get(partition) ?? 0) >= end),
    );
    await ended(this.consumer);
    return reportOf(this.history, read);
  }

  private start(tool: string, args: readonly string[]): ChildProcess {
    const jvm = ['-Xmx128m', ...commonJvm, ...quickStartJvm, '-cp', kafkaClassPath('3.9')];
    const child = spawn('java', [...jvm, `org.apache.kafka.tools.${tool}`, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    createInterface(child.stdout).on('line', (line) => this.take(tool, line));
    return child;
  }

  private take(tool: string, line: string): void {
    if (!line.startsWith('{')) return;
    const event = JSON.parse(line) as ToolEvent;
    const endMs = performance.now();
    switch (event.name) {
      case 'producer_send_success':
        return this.noteSend(event.value, `${event.topic}-${event.partition}`, event.offset);
      case 'producer_send_error':
        return this.noteSend(event.value, `${event.topic}-?`, null);
      case 'record_data': {
        const { topic, partition, offset, value } = event;
        const records = [{ partition: `${topic}-${partition}`, offset, value }];
        this.history.push({ type: 'poll', process: tool, records, endMs });
        return;
      }
      case 'offsets_committed':
        if (!event.success) return;
        for (const { topic, partition, offset } of event.offsets) {
          this.committed.set(`${topic}-${partition}`, offset);
        }
        return;
      case 'partitions_assigned': {
        const partitions = event.partitions.map(({ topic, partition }) => `${topic}-${partition}`);
        this.history.push({ type: 'position', process: tool, partitions, endMs });
        return;
      }
    }
  }

  /** The values of one producer are consecutive numbers: they tell the order of the sends. */
  private noteSend(value: string, partition: string, offset: number | null): void {
    const endMs = performance.now();
    const outcome = offset === null ? ('unknown' as const) : ('ok' as const);
    if (offset !== null) this.ends.set(partition, Math.max(offset + 1, this.ends.get(partition) ?? 0));
    const told = { partition, value, outcome, offset: offset === null || offset < 0 ? null : offset };
    const sent = { process: 'VerifiableProducer', sequence: Number(value), startMs: endMs, endMs };
    this.history.push({ type: 'send', ...told, ...sent, acks: 'all', idempotent: true });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
}
