import type { RecordHeader } from '@odradek/protocol/records/record.ts';
import { isUtf8 } from 'node:buffer';
import { CommandError } from './terminal.ts';

/** Bytes in JSON: a string where they are UTF-8, else `{"base64": "..."}`; null is null. */
export type JsonBytes = string | { readonly base64: string } | null;

/** A record in JSON, one per line: what `consume --json` writes and `produce --json` reads. */
export interface RecordFields {
  readonly partition?: number;
  readonly timestamp?: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

export function jsonBytes(bytes: Buffer | null): JsonBytes {
  if (bytes === null) return null;
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}

export function jsonHeaders(headers: readonly RecordHeader[]): { key: string; value: JsonBytes }[] {
  return headers.map(({ key, value }) => ({ key, value: jsonBytes(value) }));
}

/** Fields that are not known (`topic` and `offset` among them) are passed over. @throws CommandError */
export function parseRecordJson(line: Buffer, lineNumber: number): RecordFields {
  const where = `line ${lineNumber}`;
  const record = parsedObject(line, where);
  return {
    ...optionalNumber('partition', record['partition'], where),
    ...optionalNumber('timestamp', record['timestamp'], where),
    key: bytesOf(record['key'], `${where}, key`),
    value: bytesOf(record['value'], `${where}, value`),
    headers: headersOf(record['headers'], where),
  };
}

function parsedObject(line: Buffer, where: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.toString());
  } catch (error) {
    throw new CommandError(`${where} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (isObject(parsed)) return parsed;
  throw new CommandError(`${where} is not a JSON object`);
}

function optionalNumber(name: string, value: unknown, where: string): Record<string, number> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'number' && Number.isSafeInteger(value)) return { [name]: value };
  throw new CommandError(`${where}, ${name} is ${JSON.stringify(value)}; expected is a whole number`);
}

function bytesOf(value: unknown, where: string): Buffer | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return Buffer.from(value);
  if (isObject(value) && typeof value['base64'] === 'string') return Buffer.from(value['base64'], 'base64');
  throw new CommandError(`${where} is neither a string, {"base64": "..."} nor null`);
}

function headersOf(value: unknown, where: string): RecordHeader[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new CommandError(`${where}, headers is not an array`);
  return value.map((header: unknown, index) => {
    if (!isObject(header) || typeof header['key'] !== 'string') {
      throw new CommandError(`${where}, header ${index} has no key`);
    }
    return { key: header['key'], value: bytesOf(header['value'], `${where}, header ${index}`) };
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
