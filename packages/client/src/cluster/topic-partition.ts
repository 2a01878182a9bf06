export interface TopicPartition {
  readonly topic: string;
  /** 0 or more. */
  readonly partition: number;
}

/** A key for maps; topic names have no spaces. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic} ${partition}`;
}
