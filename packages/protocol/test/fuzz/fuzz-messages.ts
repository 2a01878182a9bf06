import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';
import { Reader } from '../../src/primitives/reader.ts';
import { Writer } from '../../src/primitives/writer.ts';
import { readRequestHeader } from '../../src/request-header.ts';
import { loadCodecs, versionsOf, type MessageCodec } from '../messages/codecs.ts';
import { SeededRandom, randomMessage } from '../messages/random-message.ts';
import { mutate } from './mutation.ts';
import { weightOf } from './weight.ts';

/**
 * The most values that a byte of a frame may become. A struct has a fixed number of fields and takes at least a
 * byte or two in an array, so the most that a byte can stand for is a wide struct of fields that are absent.
 */
const WEIGHT_PER_BYTE_MAX = 30;
const WEIGHT_OF_EMPTY_MAX = 100;

export interface FuzzResult {
  readonly refused: number;
  /** Mutations that happened to be well-formed. */
  readonly read: number;
  /** How to see each failure again, and what it was. */
  readonly failures: readonly string[];
}

/**
 * Reads `count` mutated frames, spread over all messages and versions, the same ones for the same seed. Each
 * must be read or refused with MalformedBytesError, must not become more than a multiple of its size, and what
 * was read must be writable and then read as the same bytes.
 */
export async function fuzzMessages(count: number, seed: number): Promise<FuzzResult> {
  const codecs = await loadCodecs();
  const pairs = codecs.flatMap((codec) => versionsOf(codec).map((version) => ({ codec, version })));
  const result = { refused: 0, read: 0, failures: [] as string[] };
  for (let i = 0; i < count; i++) {
    const { codec, version } = pairs[i % pairs.length]!;
    const random = new SeededRandom(seed * 1_000_003 + i);
    const frame = mutate(validFrame(codec, version, random), random);
    const problem = tryFrame(codec, version, frame);
    if (problem === 'read' || problem === 'refused') result[problem]++;
    else result.failures.push(`${codec.name} v${version} ${frame.toString('hex')}: ${problem}`);
  }
  return result;
}

function validFrame(codec: MessageCodec, version: number, random: SeededRandom): Buffer {
  const writer = new Writer();
  codec.write(writer, randomMessage(codec.schema, version, random, 3), version);
  return writer.toBuffer();
}

/** 'read', 'refused', or what went wrong. */
function tryFrame(codec: MessageCodec, version: number, frame: Buffer): string {
  try {
    readRequestHeader(new Reader(frame));
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) return `as a header: ${String(error)}`;
  }
  let message: object;
  try {
    message = codec.read(new Reader(frame), version);
  } catch (error) {
    return error instanceof MalformedBytesError ? 'refused' : String(error);
  }
  const weight = weightOf(message);
  if (weight > WEIGHT_OF_EMPTY_MAX + frame.length * WEIGHT_PER_BYTE_MAX) {
    return `${frame.length} bytes became ${weight} values`;
  }
  return problemOfWriting(codec, version, message) ?? 'read';
}

function problemOfWriting(codec: MessageCodec, version: number, message: object): string | null {
  try {
    const once = written(codec, version, message);
    const twice = written(codec, version, codec.read(new Reader(once), version));
    return once.equals(twice)
      ? null
      : `is written as ${once.toString('hex')}, then as ${twice.toString('hex')}`;
  } catch (error) {
    return `cannot be written again: ${String(error)}`;
  }
}

function written(codec: MessageCodec, version: number, message: object): Buffer {
  const writer = new Writer();
  codec.write(writer, message, version);
  return writer.toBuffer();
}
