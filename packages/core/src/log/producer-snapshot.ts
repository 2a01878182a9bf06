import { crc32c } from '@odradek/protocol/primitives/crc32c.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { NO_SEQUENCE } from '@odradek/protocol/records/batch-header.ts';
import type { ProducerBatch, ProducerEntry } from './producer-rules.ts';

const VERSION = 1;
/** Version, checksum; the checksum covers what follows. */
const CHECKED_FROM = 6;
const ENTRY_SIZE = 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8;

/**
 * A producer snapshot file, version 1: what is known of every producer up to the offset in the file's name.
 * Of the last batches only the last one is kept, so after a restart a duplicate of an older one is refused as
 * out of order instead of being recognised; the records that follow the snapshot are replayed.
 */
export function encodeProducerSnapshot(entries: Iterable<ProducerEntry>): Buffer {
  const list = [...entries];
  const writer = new Writer(CHECKED_FROM + 4 + list.length * ENTRY_SIZE);
  writer.int16(VERSION);
  writer.uint32(0);
  writer.arrayLength(list.length);
  for (const entry of list) {
    const last = entry.batches.at(-1);
    writer.int64(entry.producerId);
    writer.int16(entry.epoch);
    writer.int32(last?.lastSequence ?? NO_SEQUENCE);
    writer.int64(last?.lastOffset ?? -1);
    writer.int32(last?.offsetDelta ?? 0);
    writer.int64(entry.lastTimestamp);
    writer.int32(entry.coordinatorEpoch);
    writer.int64(entry.transactionFirstOffset ?? -1);
  }
  const buffer = writer.toBuffer();
  buffer.writeUInt32BE(crc32c(buffer, CHECKED_FROM, buffer.length), 2);
  return buffer;
}

/** @throws MalformedBytesError when the bytes are no snapshot of a known version, or damaged */
export function decodeProducerSnapshot(buffer: Buffer): ProducerEntry[] {
  const reader = new Reader(buffer);
  const version = reader.int16();
  if (version !== VERSION) throw new MalformedBytesError(`producer snapshot of version ${version}`);
  const crc = reader.uint32();
  const computed = crc32c(buffer, CHECKED_FROM, buffer.length);
  if (crc !== computed) {
    throw new MalformedBytesError(`producer snapshot with checksum ${crc}, ${computed} computed`);
  }
  const count = reader.arrayLength(ENTRY_SIZE);
  return Array.from({ length: Math.max(count, 0) }, () => readEntry(reader));
}

function readEntry(reader: Reader): ProducerEntry {
  const producerId = reader.int64();
  const epoch = reader.int16();
  const lastSequence = reader.int32();
  const lastOffset = reader.int64();
  const offsetDelta = reader.int32();
  const lastTimestamp = reader.int64();
  const coordinatorEpoch = reader.int32();
  const transactionFirstOffset = reader.int64();
  const last: ProducerBatch = { lastSequence, lastOffset, offsetDelta, timestamp: lastTimestamp };
  return {
    producerId,
    epoch,
    coordinatorEpoch,
    lastTimestamp,
    transactionFirstOffset: transactionFirstOffset >= 0 ? transactionFirstOffset : null,
    batches: lastOffset >= 0 ? [last] : [],
  };
}
