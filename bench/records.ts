/*
 * How fast records are checked, read and written. Prints only:
 *   npx node --disable-warning=ExperimentalWarning bench/records.ts
 */
import { validateRecords } from '@odradek/core/log/record-validator.ts';
import type { ValidationSettings } from '@odradek/core/log/validation-settings.ts';
import { compress } from '@odradek/protocol/compression/compress.ts';
import { decompress } from '@odradek/protocol/compression/decompress.ts';
import { crc32 } from '@odradek/protocol/primitives/crc32.ts';
import { crc32c } from '@odradek/protocol/primitives/crc32c.ts';
import { batchesOf, readBatchHeader, type CompressionType } from '@odradek/protocol/records/batch-header.ts';
import { encodeMessageSet } from '@odradek/protocol/records/message-set.ts';
import { decodeRecordBatch, encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { RecordInput } from '@odradek/protocol/records/record.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const MB = 1e6;

const settings: ValidationSettings = {
  origin: 'client',
  requestVersion: 9,
  nextOffset: 1_000_000,
  partitionLeaderEpoch: 3,
  nowMs: 1_700_000_000_000,
  timestampType: 'create',
  timestampBeforeMaxMs: Infinity,
  timestampAfterMaxMs: Infinity,
  isCompacted: false,
  compression: { type: 'producer' },
  maxMessageBytes: 10_000_000,
};

checksums();
headers();
for (const [sizeBytes, valueSize] of [
  [16_384, 100],
  [131_072, 1024],
  [1_000_000, 1024],
] as const) {
  batches(sizeBytes, valueSize);
}

function checksums(): void {
  const bytes = Buffer.alloc(1_000_000, 'some bytes');
  for (const size of [64, 200, 300, 1024, 16_384, 1_000_000]) {
    row(
      `crc32c of ${size} B`,
      measure(() => crc32c(bytes, 0, size)),
      size,
    );
  }
  for (const size of [100, 1024])
    row(
      `crc32 of ${size} B`,
      measure(() => crc32(bytes, 0, size)),
      size,
    );
}

function headers(): void {
  const one = encodeRecordBatch({ records: recordsOf(1000, 100) });
  const hundred = Buffer.concat(Array.from({ length: 100 }, () => one));
  row(
    'read 4 fields of a batch header',
    measure(() => {
      const header = readBatchHeader(one, 0);
      return header.baseOffset + header.sizeBytes + header.lastOffsetDelta + header.maxTimestamp;
    }),
  );
  row(
    'walk over a batch by its header',
    measure(() => {
      let count = 0;
      for (const header of batchesOf(hundred)) count += header.sizeBytes;
      return count;
    }) / 100,
  );
}

function batches(sizeBytes: number, valueSize: number): void {
  console.log(`-- batches of ${sizeBytes} B, values of ${valueSize} B`);
  const records = recordsOf(sizeBytes, valueSize);
  for (const [type, name] of CODECS.entries()) {
    const compression = type as CompressionType;
    const batch = encodeRecordBatch({ records, compression });
    const raw = encodeRecordBatch({ records });
    const perRecord = (us: number): string => `${((records.length / us) * 1).toFixed(2)} M records/s`;
    const encode = measure(() => encodeRecordBatch({ records, compression }));
    row(`${name}: encode`, encode, raw.length, perRecord(encode));
    const decode = measure(() => decodeRecordBatch(batch));
    row(`${name}: decode`, decode, raw.length, perRecord(decode));
    const validate = measure(() => {
      batch.fill(0, 0, 8);
      validateRecords(batch, settings);
    });
    row(`${name}: validate in place`, validate, raw.length);
    if (compression === 0) continue;
    batch.fill(0, 0, 8);
    const believe = { ...settings, validateCompressed: false };
    const header = measure(() => {
      batch.fill(0, 0, 8);
      validateRecords(batch, believe);
    });
    row(`${name}: validate by header only`, header, raw.length);
    const packed = compress(compression, raw);
    row(
      `${name}: compress (to ${Math.round((packed.length / raw.length) * 100)} %)`,
      measure(() => compress(compression, raw)),
      raw.length,
    );
    row(
      `${name}: decompress`,
      measure(() => decompress(compression, packed, raw.length)),
      raw.length,
    );
  }
  const messages = encodeMessageSet({ magic: 1, records });
  row(
    'message set v1: convert to v2',
    measure(() => validateRecords(messages, { ...settings, requestVersion: 2 })),
    messages.length,
  );
}

function recordsOf(sizeBytes: number, valueSize: number): RecordInput[] {
  const count = Math.max(1, Math.floor(sizeBytes / (valueSize + 8)));
  let seed = 7;
  return Array.from({ length: count }, (_, index) => {
    let text = '';
    while (text.length < valueSize) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      text += `{"id":${seed},"name":"user${seed % 97}","ok":true}`;
    }
    return { key: null, value: Buffer.from(text.slice(0, valueSize)), timestamp: 1_700_000_000_000 + index };
  });
}

/** Microseconds per call, after warming up. */
function measure(run: () => unknown): number {
  const until = performance.now() + 60;
  while (performance.now() < until) run();
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    let calls = 0;
    do {
      run();
      run();
      run();
      calls += 3;
    } while (performance.now() - start < 40);
    best = Math.min(best, ((performance.now() - start) * 1000) / calls);
  }
  return best;
}

function row(name: string, us: number, sizeBytes?: number, extra = ''): void {
  const rate = sizeBytes === undefined ? '' : `${(sizeBytes / us / (MB / 1e6)).toFixed(0)} MB/s`;
  console.log(`${name.padEnd(40)} ${us.toFixed(3).padStart(12)} us ${rate.padStart(12)}  ${extra}`);
}
