import { Producer as Client, type RecordMetadata as Written } from '@odradek/client/index.ts';
import { toKafkaJSError } from '../error-translation.ts';
import { KafkaJSNonRetriableError } from '../errors.ts';
import { recordContent, type Message } from '../messages.ts';
import { partitionMetadata, type Partitioner } from '../partitioners.ts';
import type { ProduceAnswers } from './produce-answers.ts';
import type { ProducerBatch, RecordMetadata, TopicMessages } from './producer-types.ts';

export interface Route {
  readonly client: Client;
  readonly partitioner: Partitioner;
  readonly answers: ProduceAnswers;
}

/** @throws KafkaJSNonRetriableError naming what cannot be sent */
export function checkBatch({ acks = -1, topicMessages = [] }: ProducerBatch, isIdempotent: boolean): void {
  if (topicMessages.some(({ topic }) => !topic)) throw new KafkaJSNonRetriableError('Invalid topic');
  if (isIdempotent && acks !== -1) {
    throw new KafkaJSNonRetriableError(
      "Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees",
    );
  }
  if (acks !== -1 && acks !== 0 && acks !== 1) {
    throw new KafkaJSNonRetriableError(`Invalid acks ${acks}: allowed are -1, 0, 1`);
  }
  for (const { topic, messages } of topicMessages) checkMessages(topic, messages);
}

function checkMessages(topic: string, messages: readonly Message[] | null | undefined): void {
  if (messages === undefined || messages === null) {
    const given = String(messages);
    throw new KafkaJSNonRetriableError(`Invalid messages array [${given}] for topic "${topic}"`);
  }
  const bare = messages.find(({ value }) => value === undefined);
  if (bare === undefined) return;
  throw new KafkaJSNonRetriableError(
    `Invalid message without value for topic "${topic}": ${JSON.stringify(bare)}`,
  );
}

/**
 * Sends all messages and waits for their outcome; never holds more than the producer has room for.
 *
 * @returns one entry for each partition, with the offset of the first message there
 * @throws what the first failed message failed with, once all are settled
 */
export async function sendAll(
  route: Route,
  topicMessages: readonly TopicMessages[],
): Promise<RecordMetadata[]> {
  const collected = new Collected();
  for (const { topic, messages } of topicMessages) {
    for (const message of messages) {
      const room = route.client.enqueue(
        { topic, ...recordContent(message) },
        collected.expect(),
        ({ partitions }) =>
          route.partitioner({ topic, partitionMetadata: partitionMetadata(partitions), message }),
      );
      if (room !== undefined) await room;
    }
  }
  const written = await collected.all();
  return written.map((at) => resultOf(at, route.answers));
}

/** Outcomes of one call: of each partition the first offset. */
class Collected {
  private readonly first = new Map<string, Written>();
  private failure: Error | null = null;
  private open = 0;
  private wake: (() => void) | null = null;

  /** @returns what takes the outcome of one more message */
  expect(): (error: Error | null, written: Written | null) => void {
    this.open++;
    return (error, written) => {
      if (error === null) this.note(written!);
      else this.failure ??= error;
      this.open--;
      if (this.open === 0) this.wake?.();
    };
  }

  async all(): Promise<Written[]> {
    if (this.open > 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.failure !== null) throw toKafkaJSError(this.failure);
    return [...this.first.values()];
  }

  private note(written: Written): void {
    const key = `${written.topic} ${written.partition}`;
    const before = this.first.get(key);
    if (before === undefined || written.offset < before.offset) this.first.set(key, written);
  }
}

function resultOf({ topic, partition, offset }: Written, answers: ProduceAnswers): RecordMetadata {
  const { logAppendTimeMs, logStartOffset } = answers.of(topic, partition);
  return {
    topicName: topic,
    partition,
    errorCode: 0,
    baseOffset: String(offset),
    logAppendTime: String(logAppendTimeMs),
    logStartOffset: String(logStartOffset),
  };
}
