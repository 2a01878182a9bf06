import { validateRecords, type ValidatedRecords } from '@odradek/core/log/record-validator.ts';
import { RecordValidationError } from '@odradek/core/log/record-rules.ts';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { decompress } from '@odradek/protocol/compression/decompress.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { downConvert } from '@odradek/protocol/records/convert.ts';
import { readBatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { encodeCase, type ValidateCase, type WriteCase } from './cases.ts';
import { describeBatches, hex, recordText, unhex, type Answer } from './oracle.ts';

/** One case: what kind of answer it got, and what is wrong with ours, if anything. */
export interface Verdict {
  readonly kind: string;
  readonly problem: string | null;
  readonly request: readonly string[];
}

/** Requests to Kafka's classes, and what their answers, one for each, say about ours. */
export interface Comparison {
  readonly requests: readonly (readonly string[])[];
  judge(answers: readonly Answer[]): Verdict[];
}

export function writeRequest(input: WriteCase): string[] {
  return [
    'write',
    String(input.magic),
    String(input.compression),
    input.magic === 0 ? 'none' : input.timestampType,
    String(input.logAppendTimeMs),
    String(input.baseOffset),
    String(input.producerId),
    String(input.producerEpoch),
    String(input.baseSequence),
    input.isTransactional ? '1' : '0',
    String(input.partitionLeaderEpoch),
    ...input.records.map((record) => recordText(record.offset, record)),
  ];
}

/** Java writes; ours reads the same, and writes the same bytes where no codec has a say. */
export function compareWriting(inputs: readonly WriteCase[]): Comparison {
  const requests = inputs.map(writeRequest);
  const judge = (answer: Answer, i: number): Verdict => {
    const input = inputs[i]!;
    const kind = `v${input.magic}`;
    const request = requests[i]!;
    if (!answer.ok) return { kind, request, problem: `java refused: ${answer.detail}` };
    const bytes = unhex(answer.fields[0]!);
    const ours = encodeCase(input);
    const problem =
      difference(describeBatches(bytes), describeBatches(ours)) ??
      (unpacked(bytes, input).equals(unpacked(ours, input))
        ? null
        : `bytes differ: ${hex(ours).slice(0, 300)}`);
    return { kind, request, problem };
  };
  return { requests, judge: (answers) => answers.map(judge) };
}

/**
 * Bytes in which no codec has a say: what is inside, after the header without size and checksum. Of an lz4 frame
 * also its header, which is wrong in format v0 on purpose.
 */
function unpacked(bytes: Buffer, { magic, compression }: WriteCase): Buffer {
  if (compression === 0) return bytes;
  const payloadAt = magic === 2 ? 61 : magic === 1 ? 34 : 26;
  const payload = bytes.subarray(payloadAt);
  const inside = decompress(compression, payload, payload.length * 2000, { legacyLz4: magic === 0 });
  const header = magic === 2 ? bytes.subarray(21, 61) : bytes.subarray(16, payloadAt - 4);
  const frameHeader = compression === 3 ? payload.subarray(0, 7) : payload.subarray(0, 0);
  return Buffer.concat([header, frameHeader, inside]);
}

/** Ours writes; Java finds the checksums right and reads the same. */
export function compareReading(written: readonly Buffer[]): Comparison {
  const requests = written.map((bytes) => ['read', hex(bytes)]);
  const judge = (answer: Answer, i: number): Verdict => {
    const bytes = written[i]!;
    const kind = `v${bytes[16]}`;
    const request = requests[i]!;
    if (!answer.ok) return { kind, request, problem: `java refused: ${answer.detail}` };
    return { kind, request, problem: difference(answer.fields, describeBatches(bytes)) };
  };
  return { requests, judge: (answers) => answers.map(judge) };
}

/** Both convert the same stretch of a log. */
export function compareConversion(
  stretches: readonly { bytes: Buffer; firstOffset: number; toMagic: 0 | 1 }[],
): Comparison {
  const requests = stretches.map(({ bytes, firstOffset, toMagic }) => [
    'down',
    hex(bytes),
    String(toMagic),
    String(firstOffset),
  ]);
  const judge = (answer: Answer, i: number): Verdict => {
    const { bytes, firstOffset, toMagic } = stretches[i]!;
    const request = requests[i]!;
    const ours = attempt(() => downConvert(bytes, 0, bytes.length, { toMagic, firstOffset }));
    if (!answer.ok) return { request, ...compareRefusedConversion(answer.code, ours) };
    const kind = `to v${toMagic}`;
    if (!('value' in ours)) return { kind, request, problem: `ours refused: ${ours.error.message}` };
    const theirs = unhex(answer.fields[0]!);
    if (theirs.length === 0) {
      const isMark = ours.value.length === 12 && ours.value.readBigInt64BE(0) === -1n;
      return { kind: 'to nothing', request, problem: isMark ? null : 'ours holds records' };
    }
    const isPlain = describeBatches(theirs).every((text) => text[2] === '0');
    const problem =
      difference(describeBatches(theirs), describeBatches(ours.value)) ??
      (isPlain && !theirs.equals(ours.value) ? `bytes differ: ${hex(ours.value).slice(0, 300)}` : null);
    return { kind, request, problem };
  };
  return { requests, judge: (answers) => answers.map(judge) };
}

/** Java's conversion of a whole stretch fails on zstd anywhere; ours only at its beginning, as Java's fetch does. */
function compareRefusedConversion(
  code: number,
  ours: Attempt<Buffer>,
): { kind: string; problem: string | null } {
  const kind = 'zstd';
  if (code !== ErrorCode.UNSUPPORTED_COMPRESSION_TYPE) return { kind, problem: `java refused with ${code}` };
  const isRight = 'value' in ours || (ours.error as KafkaError).code === code;
  return { kind, problem: isRight ? null : `ours refused: ${(ours as { error: Error }).error.message}` };
}

/** Java's LogValidator and ours look at the same bytes. */
export function compareValidation(inputs: readonly ValidateCase[]): Comparison {
  const requests = inputs.map(validateRequest);
  const judge = (answer: Answer, i: number): Verdict => {
    const { bytes, settings } = inputs[i]!;
    const request = requests[i]!;
    const ours = attempt(() => validateRecords(Buffer.from(bytes), settings));
    if (!answer.ok) return { request, ...compareRefusal(answer, ours) };
    if ('value' in ours) {
      return { request, kind: 'accepted', problem: acceptedDifference(answer.fields, ours.value) };
    }
    return { request, ...compareStricter(unhex(answer.fields[0]!), ours.error) };
  };
  return { requests, judge: (answers) => answers.map(judge) };
}

function validateRequest({ bytes, settings }: ValidateCase): string[] {
  return [
    'validate',
    hex(bytes),
    String(settings.requestVersion),
    String(settings.compression.type),
    settings.isCompacted ? '1' : '0',
    settings.timestampType,
    String(settings.timestampBeforeMaxMs),
    String(settings.timestampAfterMaxMs),
    String(settings.partitionLeaderEpoch),
    settings.origin,
    String(settings.nextOffset),
    String(settings.nowMs),
  ];
}

/** Where ours answers otherwise on purpose, by the words of Java's exception. */
const KNOWN_DIFFERENCES: readonly {
  readonly says: string;
  readonly kind: string;
  readonly isRight: (ours: Attempt<ValidatedRecords>) => boolean;
}[] = [
  {
    // Java means to number such a batch anew, but has thrown away what it would have to write.
    says: 'skipped in PartialDefaultRecord',
    kind: 'renumbered',
    isRight: (ours) => 'value' in ours && ours.value.isRewritten,
  },
  {
    // Java says so only when it has to rewrite the batch; in place it takes it.
    says: 'without a valid producer ID',
    kind: 'transactional without producer',
    isRight: (ours) => 'value' in ours,
  },
  {
    // As above.
    says: 'Invalid negative timestamp',
    kind: 'negative timestamp',
    isRight: (ours) => 'value' in ours,
  },
  {
    // A message of a compressed set that is too small to be one: Java's code makes producers try again.
    says: 'Record size is less than the minimum record overhead',
    kind: 'message too small',
    isRight: (ours) => 'error' in ours && (ours.error as KafkaError).code === ErrorCode.INVALID_RECORD,
  },
];

function compareRefusal(
  answer: Extract<Answer, { ok: false }>,
  ours: Attempt<ValidatedRecords>,
): { kind: string; problem: string | null } {
  const kind = `refused with ${answer.code}`;
  const known = KNOWN_DIFFERENCES.find(({ says }) => answer.detail.includes(says));
  if (known !== undefined) {
    return { kind: known.kind, problem: known.isRight(ours) ? null : 'ours answers otherwise' };
  }
  if ('value' in ours)
    return { kind, problem: `java refused with ${answer.code} ${answer.detail}, ours did not` };
  if (!(ours.error instanceof KafkaError)) return { kind, problem: `ours threw ${ours.error.stack}` };
  if (answer.code === ErrorCode.UNKNOWN_SERVER_ERROR) return { kind, problem: null };
  if (ours.error.cause instanceof MalformedBytesError) {
    // Ours looks at all bytes before any rule; Java comes upon a broken rule, or garbage, first.
    return { kind: 'malformed', problem: null };
  }
  const indexes =
    ours.error instanceof RecordValidationError
      ? ours.error.recordErrors.map((error) => error.batchIndex).join(',')
      : null;
  if (ours.error.code !== answer.code) {
    return { kind, problem: `ours refused with ${ours.error.code}: ${ours.error.message}; ${answer.detail}` };
  }
  const areLists = indexes !== null && /^[\d,]+$/.test(answer.detail);
  if (areLists && indexes !== answer.detail)
    return { kind, problem: `records ${indexes}, not ${answer.detail}` };
  return { kind, problem: null };
}

/**
 * Java does not look at the sizes of records in a compressed batch that stays as it is, nor does it mind if
 * they cannot be read later. Ours refuses; that is right where Java itself cannot read what it accepted.
 */
function compareStricter(accepted: Buffer, error: Error): { kind: string; problem: string | null } {
  if (accepted.length === 0) {
    // A broker's own batch that says that it has no records: nothing is left of it.
    return { kind: 'accepted as nothing', problem: error instanceof KafkaError ? null : String(error.stack) };
  }
  const isCompressed = readBatchHeader(accepted, 0).compression !== 0;
  const isReadable = 'value' in attempt(() => describeBatches(accepted));
  return isCompressed && !isReadable
    ? { kind: 'accepted, though unreadable', problem: null }
    : { kind: 'accepted', problem: `ours refused: ${error.message}` };
}

function acceptedDifference(fields: readonly string[], ours: ValidatedRecords): string | null {
  const [records, lastOffset, maxTimestamp, isRewritten] = fields;
  const theirs = unhex(records!);
  const numbers = [ours.lastOffset, ours.maxTimestamp, ours.isRewritten ? 1 : 0].join(' ');
  const expected = [lastOffset, maxTimestamp, isRewritten].join(' ');
  if (numbers !== expected) return `ours says ${numbers}, java ${expected}`;
  const problem = difference(describeBatches(theirs), describeBatches(ours.records));
  if (problem !== null) return problem;
  if (!ours.isRewritten && !theirs.equals(ours.records)) return 'bytes differ';
  return null;
}

function difference(theirs: readonly string[], ours: readonly string[]): string | null {
  if (theirs.length !== ours.length) return `java has ${theirs.length} batches, ours ${ours.length}`;
  for (const [i, text] of theirs.entries()) {
    if (text === ours[i]) continue;
    const mine = ours[i]!.split(';');
    const parts = text.split(';');
    const at = parts.findIndex((part, n) => part !== mine[n]);
    return `batch ${i}, part ${at}: java ${parts[at]?.slice(0, 200)}, ours ${mine[at]?.slice(0, 200)}`;
  }
  return null;
}

type Attempt<T> = { readonly value: T } | { readonly error: Error };

function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { value: run() };
  } catch (error) {
    return { error: error as Error };
  }
}
