import {
  Consumer,
  Producer,
  asError,
  createTopic,
  describeTopic,
  listOffsets,
  type ClusterOptions,
  type TopicPartition,
} from '@odradek/client';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { ledgerTopic } from './dead-letter-topics.ts';

/**
 * Which letters of a dead-letter topic were put back, by any run: a compacted topic with a record for each. In memory
 * it takes some hundred bytes for each that is still in the dead-letter topic.
 */
export class RedriveLedger {
  private readonly topic: string;
  private readonly producer: Producer;
  private readonly moved: Set<string>;

  private constructor(topic: string, producer: Producer, moved: Set<string>) {
    this.topic = topic;
    this.producer = producer;
    this.moved = moved;
  }

  /**
   * @param starts where the partitions of the dead-letter topic begin: older entries are of no use
   * @param mayCreate else a topic that is missing counts as empty
   */
  static async load(
    options: ClusterOptions,
    deadLetterTopic: string,
    starts: ReadonlyMap<number, number>,
    producer: Producer,
    mayCreate: boolean,
  ): Promise<RedriveLedger> {
    const topic = ledgerTopic(deadLetterTopic);
    const reader = new Consumer(options);
    const moved = new Set<string>();
    try {
      if (mayCreate) await create(reader, topic);
      for await (const key of keysOf(reader, topic)) {
        const [partition, offset] = key.split('/').map(Number);
        if (offset! >= (starts.get(partition!) ?? Infinity)) moved.add(key);
      }
    } finally {
      await reader.close();
    }
    return new RedriveLedger(topic, producer, moved);
  }

  has(letter: TopicPartition & { readonly offset: number }): boolean {
    return this.moved.has(entryKey(letter));
  }

  /** @throws KafkaError, and then a later run may put the letter back once more */
  async add(letter: TopicPartition & { readonly offset: number }, runId: string): Promise<void> {
    const key = entryKey(letter);
    await this.producer.send({ topic: this.topic, key: Buffer.from(key), value: Buffer.from(runId) });
    this.moved.add(key);
  }
}

function entryKey({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}/${offset}`;
}

async function create(reader: Consumer, name: string): Promise<void> {
  try {
    await createTopic(reader.cluster, { name, partitions: 1, configs: { 'cleanup.policy': 'compact' } });
  } catch (error) {
    if (!hasCode(error, ErrorCode.TOPIC_ALREADY_EXISTS)) throw error;
  }
}

/** Everything that is there now. */
async function* keysOf(reader: Consumer, topic: string): AsyncGenerator<string> {
  let end: number;
  try {
    await describeTopic(reader.cluster, topic);
    const ends = await listOffsets(reader.cluster, [{ topic, partition: 0, at: 'latest' }]);
    end = [...ends.values()][0]!.offset;
  } catch (error) {
    if (hasCode(error, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)) return;
    throw error;
  }
  await reader.assign([{ topic, partition: 0, from: 'earliest' }]);
  let next = 0;
  while (next < end) {
    for (const { records, nextOffset } of await reader.poll(1_000)) {
      for (const { key } of records) if (key !== null) yield String(key);
      next = nextOffset;
    }
  }
}

function hasCode(thrown: unknown, code: number): boolean {
  const error = asError(thrown);
  return error instanceof KafkaError && error.code === code;
}
