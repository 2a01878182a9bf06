/** Partitions of one topic. */
export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: number[];
}
