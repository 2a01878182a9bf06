import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';

/** A record with where it comes from. Its bytes are views on what was received: copy what is to be kept for long. */
export interface ConsumedRecord extends TopicPartition, DecodedRecord {}
