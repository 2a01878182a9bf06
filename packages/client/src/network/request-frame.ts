import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import {
  readResponseHeader,
  responseHeaderVersion,
  writeRequestHeader,
} from '@odradek/protocol/request-header.ts';
import { BadAnswerError } from '../errors.ts';

const LENGTH_SIZE_BYTES = 4;
/** Room for a request with one small record, so that it is one piece in memory and one write. */
const SMALL_REQUEST_BYTES = 512;

/** The frame of a request: length, header, body. Large byte fields are passed on without a copy. */
export function encodeRequest<RequestInput>(
  api: ApiCodec<unknown, RequestInput, unknown, never>,
  version: number,
  correlationId: number,
  clientId: string,
  message: RequestInput,
): Buffer[] {
  const writer = new Writer(SMALL_REQUEST_BYTES);
  writer.int32(0);
  writeRequestHeader(writer, { apiKey: api.key, apiVersion: version, correlationId, clientId });
  api.writeRequest(writer, message, version);
  const sizeBytes = writer.sizeBytes - LENGTH_SIZE_BYTES;
  const frame = writer.finish();
  if (!frame.every(Buffer.isBuffer)) throw new TypeError('a client request cannot hold external records');
  frame[0]!.writeInt32BE(sizeBytes, 0);
  return frame;
}

/** @throws BadAnswerError */
export function decodeResponse<Response>(
  api: ApiCodec<unknown, never, Response, never>,
  version: number,
  frame: Buffer,
): Response {
  try {
    const reader = new Reader(frame);
    readResponseHeader(reader, responseHeaderVersion(api.key, version));
    return api.readResponse(reader, version);
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    throw new BadAnswerError(`the answer to ${api.name} v${version} cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}
