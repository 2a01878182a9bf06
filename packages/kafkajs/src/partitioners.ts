import type { PartitionMetadata as KnownPartition } from '@odradek/client/index.ts';
import { murmur2 } from '@odradek/client/producer/murmur2.ts';
import { legacyMurmur2 } from './legacy-murmur2.ts';
import type { Message } from './messages.ts';

export interface PartitionMetadata {
  readonly partitionErrorCode: number;
  readonly partitionId: number;
  /** -1 while there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offlineReplicas?: readonly number[];
}

export interface PartitionerArgs {
  readonly topic: string;
  readonly partitionMetadata: readonly PartitionMetadata[];
  readonly message: Message;
}

/** Chooses a partition for each message. */
export type Partitioner = (args: PartitionerArgs) => number;
/** Makes one for each producer. */
export type ICustomPartitioner = () => Partitioner;
export type DefaultPartitioner = ICustomPartitioner;
export type LegacyPartitioner = ICustomPartitioner;

const LEADER_NOT_AVAILABLE = 5;

export function partitionMetadata(partitions: readonly KnownPartition[]): PartitionMetadata[] {
  return partitions.map(({ partition, leaderId, replicas, isr, offlineReplicas }) => ({
    partitionErrorCode: leaderId < 0 ? LEADER_NOT_AVAILABLE : 0,
    partitionId: partition,
    leader: leaderId,
    replicas,
    isr,
    offlineReplicas,
  }));
}

const positive = (hash: number): number => hash & 0x7fffffff;

/** By the message's own choice, else by its key, else one after the other of those that have a leader. */
function partitionerBy(hash: (key: Buffer) => number): ICustomPartitioner {
  return () => {
    const turns = new Map<string, number>();
    const nextTurn = (topic: string): number => {
      const turn = turns.get(topic) ?? Math.floor(Math.random() * 0x7fffffff);
      turns.set(topic, positive(turn + 1));
      return turn;
    };
    return ({ topic, partitionMetadata: partitions, message: { partition, key } }) => {
      if (partition !== undefined && partition !== null) return partition;
      if (key !== undefined && key !== null) return positive(hash(bytesOf(key))) % partitions.length;
      const available = partitions.filter(({ leader }) => leader >= 0);
      const turn = nextTurn(topic);
      return available.length > 0
        ? available[turn % available.length]!.partitionId
        : turn % partitions.length;
    };
  };
}

function bytesOf(key: Buffer | string): Buffer {
  return Buffer.isBuffer(key) ? key : Buffer.from(String(key));
}

const javaCompatible: DefaultPartitioner = partitionerBy(murmur2);

export const Partitioners = {
  /** The partitions that Java clients choose for the same keys. */
  DefaultPartitioner: javaCompatible,
  /** Those that KafkaJS before 2.0 chose. */
  LegacyPartitioner: partitionerBy(legacyMurmur2) as LegacyPartitioner,
  /** The former name of `DefaultPartitioner`. */
  JavaCompatiblePartitioner: javaCompatible,
} as const;
