import type { ValidationSettings } from '@odradek/core/log/validation-settings.ts';
import { crc32 } from '@odradek/protocol/primitives/crc32.ts';
import { crc32c } from '@odradek/protocol/primitives/crc32c.ts';
import { batchesOf, type CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { RecordHeader, RecordInput } from '@odradek/protocol/records/record.ts';
import { codecsOf } from './oracle.ts';

export const NOW = 1_700_000_000_000;

/** Batches and messages of any format, as a log or a request may hold them. */
export interface WriteCase {
  readonly magic: 0 | 1 | 2;
  readonly compression: CompressionType;
  readonly timestampType: 'create' | 'log-append';
  readonly logAppendTimeMs: number;
  readonly baseOffset: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly partitionLeaderEpoch: number;
  readonly records: readonly (RecordInput & { readonly offset: number })[];
}

/** Repeatable random choices (mulberry32). */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** Random bytes, runs or text, mostly short. */
  bytes(): Buffer {
    const size = this.oneOf([0, 1, 5, 20, 63, 64, 100, 130, 300, 1000, this.chance(3) ? 70_000 : 10]);
    const bytes = Buffer.alloc(size);
    const kind = this.below(3);
    for (let i = 0; i < size; i++)
      bytes[i] = kind === 0 ? this.below(256) : kind === 1 ? 97 : 97 + this.below(4);
    return bytes;
  }

  nullableBytes(): Buffer | null {
    return this.chance(15) ? null : this.bytes();
  }
}

export function writeCase(dice: Dice, magic: 0 | 1 | 2): WriteCase {
  const isV2 = magic === 2;
  const timestampType = dice.chance(25) ? 'log-append' : 'create';
  const baseOffset = dice.oneOf([0, 1, 127, 5_000_000_000, 2 ** 50]);
  const hasProducer = isV2 && dice.chance(50);
  const sequence = dice.oneOf([0, 5, 0x7fffffff, 0x7ffffffe]);
  return {
    magic,
    compression: dice.oneOf(codecsOf(magic)),
    timestampType,
    logAppendTimeMs: timestampType === 'log-append' && magic > 0 ? NOW : -1,
    baseOffset,
    producerId: hasProducer ? dice.below(1e9) : -1,
    producerEpoch: hasProducer ? dice.below(32767) : -1,
    baseSequence: hasProducer ? sequence : -1,
    isTransactional: hasProducer && dice.chance(50),
    partitionLeaderEpoch: isV2 ? dice.oneOf([-1, 0, 17]) : -1,
    records: recordsOf(dice, baseOffset, isV2),
  };
}

function recordsOf(dice: Dice, baseOffset: number, withHeaders: boolean): WriteCase['records'] {
  const gaps = dice.chance(20);
  const records: (RecordInput & { offset: number })[] = [];
  // The first has the base offset: Java's builder writes it so for formats v0 and v1.
  let offset = baseOffset;
  for (let left = dice.oneOf([1, 1, 2, 3, 10, 40]); left > 0; left--) {
    const headers = withHeaders && dice.chance(30) ? headersOf(dice) : [];
    const timestamp = dice.oneOf([NOW, NOW + dice.below(1000), NOW - dice.below(1e10), 0, -1]);
    records.push({ offset, timestamp, key: dice.nullableBytes(), value: dice.nullableBytes(), headers });
    offset += gaps ? 1 + dice.below(300) : 1;
  }
  return records;
}

function headersOf(dice: Dice): RecordHeader[] {
  return Array.from({ length: 1 + dice.below(3) }, () => ({
    key: dice.oneOf(['', 'id', 'trace', 'Zwirnspule-ö', '線']),
    value: dice.nullableBytes(),
  }));
}

/** As ours writes it. */
export function encodeCase(input: WriteCase): Buffer {
  const { magic, ...rest } = input;
  return magic === 2 ? encodeRecordBatch(rest) : encodeMessageSet({ magic, ...rest });
}

/** What a producer may send, honest or not, and the settings of the topic and the request that meet it. */
export interface ValidateCase {
  readonly bytes: Buffer;
  readonly settings: ValidationSettings;
}

export function validateCase(dice: Dice): ValidateCase {
  const magic = dice.oneOf([0, 1, 2, 2, 2] as const);
  const bytes = producedBytes(dice, magic);
  if (dice.chance(40)) damage(dice, bytes);
  const hasLimits = dice.chance(30);
  return {
    bytes,
    settings: {
      origin: dice.chance(90) ? 'client' : 'coordinator',
      requestVersion: magic === 2 ? dice.oneOf([2, 3, 6, 9, 9, 9]) : dice.oneOf([0, 1, 2, 2, 9]),
      nextOffset: dice.oneOf([0, 1, 500, 2 ** 40]),
      partitionLeaderEpoch: dice.oneOf([0, 3]),
      nowMs: NOW,
      timestampType: dice.chance(30) ? 'log-append' : 'create',
      timestampBeforeMaxMs: hasLimits ? 5_000_000_000 : Number.MAX_SAFE_INTEGER,
      timestampAfterMaxMs: hasLimits ? 500 : Number.MAX_SAFE_INTEGER,
      isCompacted: dice.chance(20),
      compression: { type: dice.oneOf(['producer', 'producer', 'producer', 0, 1, 2, 3, 4] as const) },
      maxMessageBytes: 100_000_000,
    },
  };
}

function producedBytes(dice: Dice, magic: 0 | 1 | 2): Buffer {
  const compression = dice.oneOf(codecsOf(magic));
  const one = (): Buffer => {
    const input = { ...writeCase(dice, magic), compression, baseOffset: 0 };
    const isHonest = dice.chance(85);
    const records = input.records.map((record, i) => ({
      ...record,
      offset: isHonest ? i : record.offset - input.records[0]!.offset,
    }));
    const timestampType = dice.chance(90) ? 'create' : input.timestampType;
    return encodeCase({ ...input, records, timestampType, partitionLeaderEpoch: -1 });
  };
  const bytes = dice.chance(magic < 2 && compression === 0 ? 40 : 4) ? Buffer.concat([one(), one()]) : one();
  if (magic < 2 && dice.chance(30)) bytes.writeBigInt64BE(BigInt(dice.oneOf([0, 1, 5, 1000])), 0);
  return bytes;
}

/** Changes that a checksum does not reveal. */
function damage(dice: Dice, bytes: Buffer): void {
  const [first] = [...batchesOf(bytes)];
  if (first === undefined) return;
  const { position, end, magic } = first;
  if (magic === 2) {
    const kind = dice.below(6);
    if (kind === 0) bytes.writeInt32BE(dice.oneOf([-1, 0, 1, 2, 3, 1000, 0x7fffffff]), position + 57);
    else if (kind === 1) bytes.writeInt32BE(dice.oneOf([-1, 0, 1, 2, 1000]), position + 23);
    else if (kind === 2) bytes.writeUInt16BE(dice.below(32), position + 21);
    else bytes[position + 61 + dice.below(end - position - 61)] = dice.below(256);
    bytes.writeUInt32BE(crc32c(bytes, position + 21, end), position + 17);
  } else {
    const at = dice.chance(20) ? 17 : 17 + dice.below(end - position - 17);
    bytes[position + at] = dice.below(dice.chance(50) ? 16 : 256);
    bytes.writeUInt32BE(crc32(bytes, position + 16, end), position + 12);
  }
}

/** A stretch of a log, of one or of mixed formats, control batches included. */
export function logStretch(dice: Dice): { readonly bytes: Buffer; readonly firstOffset: number } {
  const batches: Buffer[] = [];
  let offset = dice.oneOf([0, 1000]);
  const start = offset;
  let magic: 0 | 1 | 2 = dice.oneOf([0, 1, 2, 2, 2]);
  for (let left = 1 + dice.below(6); left > 0; left--) {
    const input = writeCase(dice, magic);
    const records = input.records.map((record) => ({
      ...record,
      offset: offset + record.offset - input.baseOffset,
    }));
    const isControl = magic === 2 && dice.chance(20);
    const zstd = input.compression === 4 && !dice.chance(10);
    const changed = {
      ...input,
      records,
      baseOffset: offset,
      compression: zstd ? 0 : input.compression,
    } as const;
    batches.push(isControl ? controlBatch(offset) : encodeCase(changed));
    offset = isControl ? offset + 1 : records.at(-1)!.offset + 1;
    if (magic < 2 && dice.chance(30)) magic = (magic + 1) as 1 | 2;
  }
  return { bytes: Buffer.concat(batches), firstOffset: start + dice.below(offset - start) };
}

function controlBatch(baseOffset: number): Buffer {
  return encodeRecordBatch({
    baseOffset,
    records: [{ key: Buffer.from([0, 0, 0, 1]), value: Buffer.alloc(6), timestamp: NOW }],
    isControl: true,
    isTransactional: true,
    producerId: 5,
    producerEpoch: 0,
  });
}
