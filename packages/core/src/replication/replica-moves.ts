import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { requireMovableName, type FutureLogs } from '../log/moves/future-logs.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { Partition } from './partition.ts';

export interface ReplicaMovesParts {
  readonly futures: FutureLogs;
  readonly log: LogSink;
  /** @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR */
  requirePartition(topic: string, index: number): Partition;
}

/** Where among the data directories of this broker its replicas lie (KIP-113). */
export class ReplicaMoves {
  private readonly parts: ReplicaMovesParts;

  constructor(parts: ReplicaMovesParts) {
    this.parts = parts;
  }

  /**
   * Moves a replica to another data directory, or ends a move where it lies in that one; of a replica that is not here
   * yet, remembers where it is to be made.
   *
   * @param path as in `log.dirs`
   * @returns 0, or LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, INVALID_TOPIC_EXCEPTION, and UNKNOWN_TOPIC_OR_PARTITION for
   *   a replica that is not here
   */
  alter(topic: string, index: number, path: string): number {
    try {
      this.move(topic, index, path);
      return ErrorCode.NONE;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.parts.log.warn('a replica is not moved', { topic, partition: index, path, reason: error.message });
      return error.code;
    }
  }

  private move(topic: string, index: number, path: string): void {
    const { futures } = this.parts;
    requireMovableName(topic, index);
    futures.requireUsable(path);
    const partition = this.hosted(topic, index, path);
    futures.prefer(topic, index, path);
    futures.begin(topic, index, (log) => partition.exchangeLog(log));
  }

  /** @throws KafkaError when it is not: of one that may yet come, the wish is remembered */
  private hosted(topic: string, index: number, path: string): Partition {
    try {
      return this.parts.requirePartition(topic, index);
    } catch (error) {
      const mayCome = error instanceof KafkaError && error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      if (mayCome) this.parts.futures.prefer(topic, index, path);
      throw error;
    }
  }

  /** A replica has come here: a move of an earlier life goes on. What keeps it from that does not keep it from being used. */
  resume(partition: Partition): void {
    const { topic, index } = partition;
    try {
      this.parts.futures.resume(topic, index, (log) => partition.exchangeLog(log));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const facts = { topic, partition: index, reason: error.message };
      this.parts.log.warn('the move of a replica does not go on', facts);
    }
  }

  /** A replica goes: its move stays half done, until it is deleted or comes again. */
  pause({ topic, index }: Partition): void {
    this.parts.futures.pause(topic, index);
  }
}
