import { apiByKey } from './generated/api-table.ts';
import { readUnknownTaggedFields } from './primitives/tagged-fields.ts';
import type { Reader } from './primitives/reader.ts';
import type { Writer } from './primitives/writer.ts';

/** What stands before the body of every request. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Chosen by the client, returned in the response header. int32 */
  readonly correlationId: number;
  readonly clientId: string | null;
}

const API_VERSIONS = 18;
const CONTROLLED_SHUTDOWN = 7;

/**
 * Version of the request header that an API version comes with: 2 (with tagged fields) from the API's first
 * flexible version on, 1 before. ControlledShutdown v0 alone has a header without client id, version 0.
 */
export function requestHeaderVersion(apiKey: number, apiVersion: number): 0 | 1 | 2 {
  if (apiKey === CONTROLLED_SHUTDOWN && apiVersion === 0) return 0;
  return isFlexible(apiKey, apiVersion) ? 2 : 1;
}

/**
 * Version of the response header: 1 (with tagged fields) for flexible versions, 0 before. ApiVersions always
 * answers with version 0, because a client reads the answer before it knows what the broker understands
 * (KIP-511).
 */
export function responseHeaderVersion(apiKey: number, apiVersion: number): 0 | 1 {
  return apiKey !== API_VERSIONS && isFlexible(apiKey, apiVersion) ? 1 : 0;
}

/**
 * Reads a request header and leaves the reader at the body. Of an unknown API only the three leading numbers
 * are read, since the form of the rest is unknown; versions beyond the known ones count as flexible, like the
 * newest. Tagged fields in the header are passed over.
 *
 * The client id has a 16-bit length in every version, also where the body is compact, and may be null.
 *
 * @throws MalformedBytesError
 */
export function readRequestHeader(reader: Reader): RequestHeader {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  if (apiByKey(apiKey) === undefined) return { apiKey, apiVersion, correlationId, clientId: null };
  const headerVersion = requestHeaderVersion(apiKey, apiVersion);
  const clientId = headerVersion === 0 ? null : reader.nullableString();
  if (headerVersion === 2) readUnknownTaggedFields(reader);
  return { apiKey, apiVersion, correlationId, clientId };
}

/** Writes the header in the version that the API version asks for. */
export function writeRequestHeader(writer: Writer, header: RequestHeader): void {
  const headerVersion = requestHeaderVersion(header.apiKey, header.apiVersion);
  writer.int16(header.apiKey);
  writer.int16(header.apiVersion);
  writer.int32(header.correlationId);
  if (headerVersion > 0) writer.nullableString(header.clientId);
  if (headerVersion === 2) writer.unsignedVarint(0);
}

/** Writes the header of the response to a request of this API and version. */
export function writeResponseHeader(
  writer: Writer,
  apiKey: number,
  apiVersion: number,
  correlationId: number,
): void {
  writer.int32(correlationId);
  if (responseHeaderVersion(apiKey, apiVersion) === 1) writer.unsignedVarint(0);
}

/**
 * Reads a response header of the given version (see `responseHeaderVersion`) and returns the correlation id.
 *
 * @throws MalformedBytesError
 */
export function readResponseHeader(reader: Reader, headerVersion: 0 | 1): { readonly correlationId: number } {
  const correlationId = reader.int32();
  if (headerVersion === 1) readUnknownTaggedFields(reader);
  return { correlationId };
}

function isFlexible(apiKey: number, apiVersion: number): boolean {
  const flexibleFrom = apiByKey(apiKey)?.flexibleFrom ?? null;
  return flexibleFrom !== null && apiVersion >= flexibleFrom;
}
