import {
  readConsumerProtocolAssignment,
  writeConsumerProtocolAssignment,
} from '@odradek/protocol/generated/consumer-protocol-assignment.ts';
import {
  readConsumerProtocolSubscription,
  writeConsumerProtocolSubscription,
} from '@odradek/protocol/generated/consumer-protocol-subscription.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';

/** The partitions of each topic. */
export interface Assignment {
  [topic: string]: number[];
}

export interface MemberMetadata {
  readonly version: number;
  readonly topics: readonly string[];
  readonly userData: Buffer;
}

export interface MemberAssignment {
  readonly version: number;
  readonly assignment: Assignment;
  readonly userData: Buffer;
}

export interface ISerializer<Encoded, Decoded> {
  encode(value: Encoded): Buffer;
  /** Null when there are no bytes. */
  decode(buffer: Buffer): Decoded | null;
}

/** Later versions add fields after these, which are left out. */
const VERSION = 0;

type Optional<Whole, Part extends keyof Whole> = Omit<Whole, Part> & Partial<Pick<Whole, Part>>;

/** What members tell and get in the classic group protocol: the same bytes as KafkaJS's and Java's. */
export const AssignerProtocol: {
  readonly MemberMetadata: ISerializer<Optional<MemberMetadata, 'userData'>, MemberMetadata>;
  readonly MemberAssignment: ISerializer<Optional<MemberAssignment, 'userData'>, MemberAssignment>;
} = {
  MemberMetadata: {
    encode({ version, topics, userData = Buffer.alloc(0) }) {
      const writer = new Writer();
      writer.int16(version);
      writeConsumerProtocolSubscription(writer, { topics, userData }, VERSION);
      return writer.toBuffer();
    },
    decode(buffer) {
      if (buffer.length === 0) return null;
      const reader = new Reader(buffer);
      const version = reader.int16();
      const { topics, userData } = readConsumerProtocolSubscription(reader, VERSION);
      return { version, topics, userData: userData ?? Buffer.alloc(0) };
    },
  },
  MemberAssignment: {
    encode({ version, assignment, userData = Buffer.alloc(0) }) {
      const writer = new Writer();
      writer.int16(version);
      const assignedPartitions = Object.entries(assignment).map(([topic, partitions]) => ({
        topic,
        partitions,
      }));
      writeConsumerProtocolAssignment(writer, { assignedPartitions, userData }, VERSION);
      return writer.toBuffer();
    },
    decode(buffer) {
      if (buffer.length === 0) return null;
      const reader = new Reader(buffer);
      const version = reader.int16();
      const { assignedPartitions, userData } = readConsumerProtocolAssignment(reader, VERSION);
      const assignment = Object.fromEntries(assignedPartitions.map((one) => [one.topic, one.partitions]));
      return { version, assignment, userData: userData ?? Buffer.alloc(0) };
    },
  },
};
