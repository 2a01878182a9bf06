import type { RecordHeader } from '@odradek/protocol/records/record.ts';

/** A record on its way through a task. */
export interface FlowRecord<K, V> {
  readonly key: K;
  readonly value: V;
  /** Milliseconds since 1970, 0 or more. */
  readonly timestamp: number;
  readonly headers: readonly RecordHeader[];
}

export type Receive<K, V> = (record: FlowRecord<K, V>) => void;

/** What flows behind a table: a key's value before and after, null where it has none. */
export interface Change<V> {
  readonly before: V | null;
  readonly after: V | null;
}

/** A topic of the user, or one that the application makes for itself and names after itself. */
export interface TopicRef {
  readonly name: string;
  readonly isInternal: boolean;
  /** Of internal ones, where the user wants a certain number. */
  readonly partitions: number | null;
}

/** @returns the name that the brokers know */
export function topicName({ name, isInternal }: TopicRef, applicationId: string): string {
  return isInternal ? `${applicationId}-${name}-repartition` : name;
}
