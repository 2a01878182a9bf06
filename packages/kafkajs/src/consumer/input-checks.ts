import { KafkaJSNonRetriableError } from '../errors.ts';
import type {
  ConsumerSubscribeTopic,
  ConsumerSubscribeTopics,
  TopicPartitionOffsetAndMetadata,
  TopicSelection,
} from './consumer-types.ts';
import type { SeekTarget } from './consuming.ts';

/** @throws KafkaJSNonRetriableError */
export function subscribedTopics(
  given: Partial<ConsumerSubscribeTopics> & Partial<ConsumerSubscribeTopic>,
): readonly (string | RegExp)[] {
  const { topic, topics } = given;
  if (!topic && !topics) throw new KafkaJSNonRetriableError('Missing required argument "topics"');
  if (topics !== undefined && topics !== null && !Array.isArray(topics)) {
    throw new KafkaJSNonRetriableError('Argument "topics" must be an array');
  }
  const wanted = topics ?? [topic!];
  for (const one of wanted) {
    if (typeof one === 'string' || isRegExp(one)) continue;
    throw new KafkaJSNonRetriableError(
      `Invalid topic ${String(one)} (${typeof one}), the topic name has to be a String or a RegExp`,
    );
  }
  return wanted;
}

/** Also one of another realm. */
export function isRegExp(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === '[object RegExp]';
}

function checkPlace(topic: string, partition: number): void {
  if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
  if (Number.isNaN(Number(partition ?? NaN))) {
    throw new KafkaJSNonRetriableError(`Invalid partition, expected a number received ${String(partition)}`);
  }
}

function offsetOf(offset: string): number {
  const value = Number(offset ?? NaN);
  if (Number.isSafeInteger(value)) return value;
  throw new KafkaJSNonRetriableError(`Invalid offset, expected a long received ${offset}`);
}

const NEGATIVE = 'Offset must not be a negative number';
const LATEST = -1;
const EARLIEST = -2;

/** @throws KafkaJSNonRetriableError */
export function seekTarget(topic: string, partition: number, offset: string): SeekTarget {
  checkPlace(topic, partition);
  const value = offsetOf(offset);
  if (value === LATEST) return 'latest';
  if (value === EARLIEST) return 'earliest';
  if (value < 0) throw new KafkaJSNonRetriableError(NEGATIVE);
  return value;
}

/** @throws KafkaJSNonRetriableError */
export function checkOffsetsToCommit(offsets: readonly TopicPartitionOffsetAndMetadata[]): void {
  for (const { topic, partition, offset, metadata } of offsets) {
    checkPlace(topic, partition);
    if (offsetOf(offset) < 0) throw new KafkaJSNonRetriableError(NEGATIVE);
    if (metadata === undefined || metadata === null || typeof metadata === 'string') continue;
    throw new KafkaJSNonRetriableError(
      `Invalid offset metadata, expected string or null, received ${String(metadata)}`,
    );
  }
}

/** @param verb pause or resume @throws KafkaJSNonRetriableError */
export function checkSelections(verb: string, selections: readonly TopicSelection[]): void {
  for (const selection of selections) {
    const { topic, partitions } = selection ?? {};
    if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${String(topic ?? selection)}`);
    if (partitions === undefined) continue;
    if (Array.isArray(partitions) && !partitions.some((one) => Number.isNaN(Number(one)))) continue;
    throw new KafkaJSNonRetriableError(
      `Array of valid partitions required to ${verb} specific partitions instead of ${String(partitions)}`,
    );
  }
}
