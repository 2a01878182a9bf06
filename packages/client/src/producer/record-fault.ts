import type { RecordHeader } from '@odradek/protocol/records/record.ts';
import { ClientError } from '../errors.ts';
import { recordSizeBytes } from './batch.ts';
import type { ProducerRecord } from './producer-record.ts';

/**
 * What keeps a record from being sent at all, BAD_RECORD or RECORD_TOO_LARGE, or null.
 *
 * Types promise most of it, but not every caller has them: what is no buffer would be written as other bytes, and what
 * has no length would never fit into the memory again.
 *
 * @param sizeMaxBytes of a record that still fits into a request
 */
export function recordFault(record: ProducerRecord, sizeMaxBytes: number): ClientError | null {
  const { topic, key = null, value, timestamp } = record;
  const headers = record.headers ?? [];
  if (typeof topic !== 'string' || topic === '') {
    return new ClientError('BAD_RECORD', `topic is ${shown(topic)}, allowed is the name of a topic`);
  }
  if (!isBytes(value)) return noBytes(topic, 'value', value);
  if (!isBytes(key)) return noBytes(topic, 'key', key);
  if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && timestamp >= -1)) {
    return bad(topic, `timestamp is ${shown(timestamp)}, allowed are whole milliseconds since 1970`);
  }
  const headerFault = faultOfHeaders(topic, headers);
  if (headerFault !== null) return headerFault;
  const sizeBytes = recordSizeBytes(key, value, headers);
  if (sizeBytes <= sizeMaxBytes) return null;
  const message = `the record takes up to ${sizeBytes} bytes, allowed are ${sizeMaxBytes} (requestSizeMaxBytes)`;
  return new ClientError('RECORD_TOO_LARGE', message);
}

function faultOfHeaders(topic: string, headers: readonly RecordHeader[]): ClientError | null {
  if (!Array.isArray(headers)) {
    return bad(topic, `headers is ${shown(headers)}, allowed is a list of { key, value }`);
  }
  for (const header of headers as readonly (RecordHeader | null | undefined)[]) {
    if (typeof header?.key !== 'string') {
      return bad(topic, `the key of a header is ${shown(header?.key)}, allowed is a string`);
    }
    if (!isBytes(header.value)) return noBytes(topic, `header "${header.key}"`, header.value);
  }
  return null;
}

function isBytes(given: Buffer | null): boolean {
  return given === null || Buffer.isBuffer(given);
}

function noBytes(topic: string, part: string, given: unknown): ClientError {
  return bad(
    topic,
    `${part} is ${shown(given)}, allowed are a Buffer or null: Buffer.from(...), or typedTopics`,
  );
}

function bad(topic: string, message: string): ClientError {
  return new ClientError('BAD_RECORD', `a record for topic "${topic}": ${message}`);
}

const SHOWN_MAX = 40;

/** What was given, in few words; of a string only the beginning. */
function shown(given: unknown): string {
  if (typeof given === 'string') return `the string "${given.slice(0, SHOWN_MAX)}"`;
  if (typeof given === 'object' && given !== null) return `of type ${given.constructor?.name ?? 'Object'}`;
  return String(given);
}
