import { LEGACY_OFFSET_COMMIT_KEY_TYPE } from '@odradek/protocol/generated/legacy-offset-commit-key.ts';
import {
  GROUP_METADATA_KEY_TYPE,
  readGroupMetadataKey,
  writeGroupMetadataKey,
} from '@odradek/protocol/generated/group-metadata-key.ts';
import {
  readGroupMetadataValue,
  writeGroupMetadataValue,
} from '@odradek/protocol/generated/group-metadata-value.ts';
import {
  OFFSET_COMMIT_KEY_TYPE,
  readOffsetCommitKey,
  writeOffsetCommitKey,
} from '@odradek/protocol/generated/offset-commit-key.ts';
import {
  readOffsetCommitValue,
  writeOffsetCommitValue,
} from '@odradek/protocol/generated/offset-commit-value.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import type { CommittedOffset, GroupRecord, StoredGroup } from './group-records.ts';

/** The newest versions without tagged fields: every broker from 2.3 on reads them, and 3.9 writes them. */
const OFFSET_VALUE_VERSION = 3;
const GROUP_VALUE_VERSION = 3;
/** The only one that has room for a time of expiry. */
const OFFSET_VALUE_VERSION_WITH_EXPIRY = 1;
const VALUE_VERSION_MAX = 4;

/** Key and value of a record of `__consumer_offsets` as Apache Kafka 3.9 writes them; a null value is a tombstone. */
export interface RecordBytes {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

export function encodeGroupRecord(record: GroupRecord): RecordBytes {
  if (record.kind === 'group') {
    return {
      key: versioned(GROUP_METADATA_KEY_TYPE, (writer) =>
        writeGroupMetadataKey(writer, { group: record.groupId }, GROUP_METADATA_KEY_TYPE),
      ),
      value: record.value === null ? null : encodeGroup(record.value),
    };
  }
  const { groupId: group, topic, partition, value } = record;
  return {
    key: versioned(OFFSET_COMMIT_KEY_TYPE, (writer) =>
      writeOffsetCommitKey(writer, { group, topic, partition }, OFFSET_COMMIT_KEY_TYPE),
    ),
    value: value === null ? null : encodeOffset(value),
  };
}

/**
 * @returns null for a kind of record that classic groups do not have (of consumer or share groups, or of a
 *   version to come)
 * @throws MalformedBytesError
 */
export function decodeGroupRecord(key: Buffer, value: Buffer | null): GroupRecord | null {
  const reader = new Reader(key);
  const type = reader.int16();
  if (type === OFFSET_COMMIT_KEY_TYPE || type === LEGACY_OFFSET_COMMIT_KEY_TYPE) {
    const { group, topic, partition } = readOffsetCommitKey(reader, type);
    return {
      kind: 'offset',
      groupId: group,
      topic,
      partition,
      value: value === null ? null : decodeOffset(value),
    };
  }
  if (type === GROUP_METADATA_KEY_TYPE) {
    const { group } = readGroupMetadataKey(reader, type);
    return { kind: 'group', groupId: group, value: value === null ? null : decodeGroup(value) };
  }
  return null;
}

function encodeOffset(value: CommittedOffset): Buffer {
  const version = value.expireTimestampMs === null ? OFFSET_VALUE_VERSION : OFFSET_VALUE_VERSION_WITH_EXPIRY;
  const message = {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestamp: value.commitTimestampMs,
    expireTimestamp: value.expireTimestampMs ?? -1,
  };
  return versioned(version, (writer) => writeOffsetCommitValue(writer, message, version));
}

function decodeOffset(bytes: Buffer): CommittedOffset {
  const reader = new Reader(bytes);
  const value = readOffsetCommitValue(reader, valueVersion(reader, 'offset'));
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp === -1 ? null : value.expireTimestamp,
  };
}

function encodeGroup(group: StoredGroup): Buffer {
  const message = {
    protocolType: group.protocolType,
    generation: group.generationId,
    protocol: group.protocolName,
    leader: group.leader,
    currentStateTimestamp: group.stateSinceMs ?? -1,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  };
  return versioned(GROUP_VALUE_VERSION, (writer) =>
    writeGroupMetadataValue(writer, message, GROUP_VALUE_VERSION),
  );
}

/** Byte fields are copied: they outlive the buffer that the log was read into. */
function decodeGroup(bytes: Buffer): StoredGroup {
  const reader = new Reader(bytes);
  const version = valueVersion(reader, 'group');
  const value = readGroupMetadataValue(reader, version);
  return {
    protocolType: value.protocolType,
    generationId: value.generation,
    protocolName: value.protocol,
    leader: value.leader,
    stateSinceMs: value.currentStateTimestamp === -1 ? null : value.currentStateTimestamp,
    members: value.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: version === 0 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  };
}

function valueVersion(reader: Reader, kind: string): number {
  const version = reader.int16();
  if (version < 0 || version > VALUE_VERSION_MAX) {
    throw new MalformedBytesError(`${kind} value of version ${version}, known are 0 to ${VALUE_VERSION_MAX}`);
  }
  return version;
}

function versioned(version: number, writeBody: (writer: Writer) => void): Buffer {
  const writer = new Writer(128);
  writer.int16(version);
  writeBody(writer);
  return writer.toBuffer();
}
